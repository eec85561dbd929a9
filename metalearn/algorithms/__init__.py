"""Algorithms, one module or package each, discovered by `metalearn.registry`."""
