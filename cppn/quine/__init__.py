"""Networks that print their own weights."""
