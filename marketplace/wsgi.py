"""WSGI entry point of the web processes."""

import ctypes
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def _keep_buffers() -> None:
    """Make glibc reuse freed buffers rather than return each to the kernel.

    An upload passes through buffers of a megabyte. Otherwise page faults would take more time than
    all the rest (`benchmarks/upload.py`).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 4 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 16 * 2**20)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
# The library reads this on import: the web processes keep their metrics in one folder. Other
# processes, such as commands, do not import this module and leave no file.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(settings.METRICS_DIR))
_keep_buffers()
application = get_wsgi_application()
# Import all pages now, so that the first request of a process need not wait for it.
get_resolver().url_patterns  # noqa: B018 - a property that imports
