"""Forecasts of a run's needs, and settings with which it fits."""
