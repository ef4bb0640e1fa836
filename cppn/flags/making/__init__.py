"""How the flags' weights, targets and figures are made; served pages load nothing of it."""
