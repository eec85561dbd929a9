"""Limits, settings and declarations shared by web and numerics. Needs only the standard library."""
