"""gunicorn's configuration: `--config python:marketplace.instance.web_server`."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

worker_class = "gthread"
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
# An adaptation waits for its worker inside the request.
timeout = settings.ADAPTATION_TIMEOUT_S + 30
graceful_timeout = 5
loglevel = "warning"
logconfig_dict = {
    **settings.LOGGING,
    "loggers": {
        **settings.LOGGING["loggers"],
        # Requests are logged by `RequestLogMiddleware`, without paths and query strings.
        "gunicorn.access": {"handlers": [], "level": "ERROR", "propagate": False},
        "gunicorn.error": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
# gunicorn's heartbeat files could block on a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Reset all counters when the server starts."""
    for file in settings.METRICS_DIR.glob("*.db"):
        file.unlink(missing_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    """Remove the process's gauges. Its counters stay."""
    # Imported late, because the library looks for its folder on import.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
