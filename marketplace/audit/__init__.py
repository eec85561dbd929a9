"""Audit log: who did what to which row, when, and from where. It is append-only."""
