"""Merging of several teachers' weights into one network."""
