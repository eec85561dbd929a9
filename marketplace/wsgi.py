"""The web process's entry point."""

import ctypes
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def _keep_buffers() -> None:
    """Have glibc use freed buffers again instead of giving each one back to the kernel.

    An upload passes through buffers of a megabyte; without this more time goes into page faults
    than into all the rest (`benchmarks/upload.py`).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 4 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 16 * 2**20)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
# The library looks here when it is imported: the web's processes keep their numbers side by side.
# Processes that serve no requests, such as a command, do not come here and leave no file.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(settings.METRICS_DIR))
_keep_buffers()
application = get_wsgi_application()
# Import all pages now: otherwise the first person of every process waits for that.
get_resolver().url_patterns  # noqa: B018 - a property that imports
