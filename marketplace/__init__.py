"""The web: people, rows and pages. It knows no tensors."""
