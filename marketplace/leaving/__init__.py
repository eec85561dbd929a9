"""Leaving: people take their data with them, and close their account."""
