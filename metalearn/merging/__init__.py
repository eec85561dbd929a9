"""Weights of several teachers brought together into one network."""
