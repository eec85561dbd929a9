"""Uploads: files on their way in, whatever they become."""
