"""From an uploaded file to a validated checkpoint."""
