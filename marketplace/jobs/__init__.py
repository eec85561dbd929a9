"""Jobs: their state, progress, log and previews."""
