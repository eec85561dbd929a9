"""Tensor operations that do not depend on networks, pools or algorithms."""
