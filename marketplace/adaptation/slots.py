"""Slots for requests that wait for a worker, so that a web process keeps threads for the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.conf import settings

from marketplace.core.errors import Busy

RETRY_AFTER_S = 10

_lock = Lock()
_taken = 0


@contextmanager
def take_slot() -> Iterator[None]:
    """Hold one of this process's slots (half of its threads). Raise Busy if none is free."""
    _take()
    try:
        yield
    finally:
        _release()


def _take() -> None:
    global _taken
    with _lock:
        if _taken >= max(1, settings.WEB_THREADS // 2):
            raise Busy(
                "Too many adaptations and checks are waiting for a worker; try again in a moment.",
                retry_after_s=RETRY_AFTER_S,
            )
        _taken += 1


def _release() -> None:
    global _taken
    with _lock:
        _taken -= 1
