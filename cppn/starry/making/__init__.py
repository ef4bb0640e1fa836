"""How our program and the figures of this wing are made; served pages load nothing of it."""
