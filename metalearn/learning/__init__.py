"""Adaptation and training of one network: inner loop, replay, merging, pretraining."""
