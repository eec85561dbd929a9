"""Request ids, which connect a request's log lines with its response."""

import re
import uuid
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")
_SHAPE = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


def current_request_id() -> str:
    """Return the id of the request that this thread is serving, or an empty string."""
    return _current.get()


def choose_request_id(given: str) -> str:
    """Keep the proxy's id if it is well-formed, or create one."""
    chosen = given if _SHAPE.fullmatch(given) else uuid.uuid4().hex
    _current.set(chosen)
    return chosen


def forget_request_id() -> None:
    """Clear the id, because the thread will serve other requests."""
    _current.set("")
