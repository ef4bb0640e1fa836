"""Glyphs: two networks invent a script that can still be read after it was warped and sprinkled with noise."""
