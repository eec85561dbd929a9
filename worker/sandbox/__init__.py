"""Reads uploaded files in a confined child process. Knows neither Django nor the queue."""
