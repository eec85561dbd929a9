"""Uploads of files, independent of what they become."""
