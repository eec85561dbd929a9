"""Meta-learners: card, provenance and download."""
