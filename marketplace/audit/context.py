"""Address and token of the current request, set by the middleware and the API."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The origin of an act. Empty for commands and workers."""

    address: str = ""
    token: str = ""


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("audit_origin", default=_NOWHERE)


def origin() -> Origin:
    return _origin.get()


def set_address(address: str) -> None:
    """Set the address at the start of a request, and clear the token of the last one."""
    _origin.set(Origin(address=address))


def set_token(prefix: str) -> None:
    _origin.set(Origin(address=_origin.get().address, token=prefix))
