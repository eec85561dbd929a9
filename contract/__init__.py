"""What the web and the numerics agree on: limits, settings, what people declare.

Needs nothing but the standard library.
"""
