"""Shared by all apps: user-facing errors, base models, pagination and file responses."""
