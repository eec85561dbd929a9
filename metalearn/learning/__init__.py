"""Adaptation and training of a network: inner loop, replay, calibration, pretraining."""
