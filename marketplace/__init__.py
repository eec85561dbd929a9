"""The web: users, rows and pages, without tensors."""
