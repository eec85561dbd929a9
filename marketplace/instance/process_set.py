"""The processes of an instance, for `manage.py run NAME` and `manage.py up`."""

import sys
from collections.abc import Mapping

_CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "worker.app")
_WORKER = (*_CELERY, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle",
           "--concurrency", "1")  # fmt: skip

WORKERS: Mapping[str, tuple[str, ...]] = {
    # A job may leave CUDA in any state, so every job has its own child process.
    "gpu": (*_WORKER, "-Q", "gpu", "--max-tasks-per-child", "1"),
    "quick": (*_WORKER, "-Q", "quick"),
    # Exactly one.
    "clock": (*_CELERY, "beat", "--loglevel", "WARNING", "--pidfile="),
}
NAMES = ("web", *WORKERS)


def command_of(name: str, *, host: str = "127.0.0.1", port: int = 8000) -> list[str]:
    if name != "web":
        return list(WORKERS[name])
    configuration = "python:marketplace.instance.web_server"
    gunicorn = [sys.executable, "-m", "gunicorn", "marketplace.wsgi", "--config", configuration]
    return [*gunicorn, "--bind", f"{host}:{port}"]


def shared_environment(threads: int) -> dict[str, str]:
    """Return environment variables for every process, besides the settings."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",
        # Containers often run as root. That is safe here, because messages are JSON.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
