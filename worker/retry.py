"""Retries of transient errors.

A minute without database or storage must not cost hours of work. Loads torch only when needed,
because Celery's parent imports this module to unpickle OutOfMemory.
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from worker import shutdown

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_S = 600.0
CLAIM_TIMEOUT_S = 60.0
"""Shorter for a claim, because the clock sends its message again."""
_PAUSE_S = 1.0
_TOO_MANY_REQUESTS = 429
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


class OutOfMemory(Exception):
    """A job needed more memory than the machine or its GPU had."""


def retry_transient(function: Callable[P, T], *, timeout_s: float = TIMEOUT_S) -> Callable[P, T]:
    """Wrap a function so that it is retried while it raises transient errors.

    The last error is raised after `timeout_s`, or if this worker must shut down.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not is_transient(error) or time.monotonic() > deadline or shutdown.requested():
                    raise
                log.warning("trying again: %s: %s", type(error).__name__, error)
                if not connection.in_atomic_block:
                    connection.close()
                time.sleep(_PAUSE_S)

    return call


def is_transient(error: Exception) -> bool:
    if isinstance(error, FileNotFoundError):
        return False
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return bool(status >= 500 or status == _TOO_MANY_REQUESTS)
    if isinstance(error, OperationalError | InterfaceError | OSError | BotoCoreError | Boto3Error):
        return True
    # The driver raises this class itself if the server dies in the middle of a response.
    return type(error) is DatabaseError


def is_out_of_memory(error: Exception) -> bool:
    """Return whether the machine or the GPU ran out of memory. Torch has several errors for it."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in _OUT_OF_MEMORY
    )
