"""Algorithms and architectures, published by the workers as plain data."""
