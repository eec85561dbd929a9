"""The id under which one request's log lines, and its answer, can be found again."""

import re
import uuid
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")
_SHAPE = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


def current_request_id() -> str:
    """The id of the request that this thread answers; empty outside of one."""
    return _current.get()


def choose_request_id(given: str) -> str:
    """Take over the id that the proxy chose when it has an id's shape, or make one."""
    chosen = given if _SHAPE.fullmatch(given) else uuid.uuid4().hex
    _current.set(chosen)
    return chosen


def forget_request_id() -> None:
    """The request is over; the thread may answer another."""
    _current.set("")
