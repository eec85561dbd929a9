"""Tensor operations that know nothing of networks, pools or algorithms."""
