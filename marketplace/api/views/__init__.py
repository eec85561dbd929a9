"""HTTP only: views validate the shape, call a service or selector, and serialize the result."""
