"""People, their teams and their tokens."""
