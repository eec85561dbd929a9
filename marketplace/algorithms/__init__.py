"""What the workers can run, published by them as plain data."""
