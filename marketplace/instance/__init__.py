"""What runs an instance: processes, settings from the environment, logs, health, static files."""
