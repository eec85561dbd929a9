"""Faults at random moments, against a real instance: `python -m tests.faults --help`."""
