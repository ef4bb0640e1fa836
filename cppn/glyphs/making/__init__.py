"""How the scripts' weights and figures are made; served pages load nothing of it."""
