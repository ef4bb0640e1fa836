"""MysteryNet: a team's flag in 6,675 weights."""
