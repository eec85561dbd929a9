"""Which processes an instance is made of; `manage.py up` and every container start these.

Each is started by `manage.py run NAME`, or all of them by `manage.py up`.
"""

import sys
from collections.abc import Mapping

_CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "worker.app")
_WORKER = (*_CELERY, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
           "--concurrency", "1")  # fmt: skip

WORKERS: Mapping[str, tuple[str, ...]] = {
    # A job may leave CUDA in any state, so every job has a child process of its own.
    "gpu": (*_WORKER, "-Q", "gpu", "--max-tasks-per-child", "1"),
    "quick": (*_WORKER, "-Q", "quick"),
    # Exactly one.
    "clock": (*_CELERY, "beat", "--loglevel", "WARNING", "--pidfile="),
}
NAMES = ("web", *WORKERS)


def command_of(name: str, *, host: str = "127.0.0.1", port: int = 8000) -> list[str]:
    """The command line of one process."""
    if name != "web":
        return list(WORKERS[name])
    configuration = "python:marketplace.instance.web_server"
    gunicorn = [sys.executable, "-m", "gunicorn", "marketplace.wsgi", "--config", configuration]
    return [*gunicorn, "--bind", f"{host}:{port}"]


def shared_environment(threads: int) -> dict[str, str]:
    """What every process is told beside the settings."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",
        # In a container one often is root; messages are JSON, so that costs no safety here.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
