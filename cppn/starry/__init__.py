"""The Starry Night in one kilobyte: programs that are small neural networks, read, painted and beaten."""
