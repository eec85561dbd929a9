"""Checkpoints, from an uploaded file to a validated model."""
