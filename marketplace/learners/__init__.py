"""Finished meta-learners: card, provenance, download."""
