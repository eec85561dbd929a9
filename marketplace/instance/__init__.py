"""Running an instance: processes, environment, logs, health checks and static files."""
