"""Definitions shared by the web and the numerics: limits, settings and declarations.

Needs only the standard library.
"""
