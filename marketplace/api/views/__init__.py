"""HTTP only: shape in, service or selector, shape out."""
