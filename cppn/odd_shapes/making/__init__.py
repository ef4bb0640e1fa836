"""How the networks that find the odd shape, and the figures about them, are made; served pages load nothing of it."""
