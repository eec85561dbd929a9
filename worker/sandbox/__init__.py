"""Reads uploaded files in a confined child process. Imports neither Django nor the queue."""
