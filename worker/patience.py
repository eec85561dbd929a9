"""Waiting for what is away for a moment: a minute without it must not cost hours of work."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from worker import stopping

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S = 600.0
_PAUSE_S = 1.0
_TOO_MANY_REQUESTS = 429
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def patiently(do: Callable[[], T], *, patience_s: float = PATIENCE_S) -> T:
    """Call until database and storage answer, the patience ends, or this worker is to stop."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return do()
        except Exception as error:
            if not passes(error) or time.monotonic() > until or stopping.wished():
                raise
            log.warning("trying again: %s: %s", type(error).__name__, error)
            if not connection.in_atomic_block:
                connection.close()
            time.sleep(_PAUSE_S)


def passes(error: Exception) -> bool:
    """Whether the error is of the kind that goes away by itself."""
    if isinstance(error, FileNotFoundError):
        return False
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return bool(status >= 500 or status == _TOO_MANY_REQUESTS)
    if isinstance(error, OperationalError | InterfaceError | OSError | BotoCoreError | Boto3Error):
        return True
    # What the driver says when the server dies in the middle of an answer.
    return type(error) is DatabaseError


def is_out_of_memory(error: Exception) -> bool:
    """Whether the machine or the GPU had no memory left; torch says so in several ways."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in _OUT_OF_MEMORY
    )
