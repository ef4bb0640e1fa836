"""How the quines and their figures are made: recipes, solvers, censuses; served pages load nothing of it."""
