"""What a first start shows: a pool of real models and a short real job on it."""
