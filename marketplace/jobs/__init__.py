"""A run: its state, progress, log and previews."""
