"""Pictures and data hidden inside the weights of very small neural networks."""

__version__ = "1.0.0"
