"""Who did what to which row, when, and from where: a log that only grows."""
