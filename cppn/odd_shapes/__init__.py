"""Attention finds the one shape that is not like the others."""
