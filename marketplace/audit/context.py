"""From where, and with which token, the request at hand came; set by middleware and the API."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Where an act came from; empty for commands and workers."""

    address: str = ""
    token: str = ""


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("audit_origin", default=_NOWHERE)


def origin() -> Origin:
    """Of the request at hand."""
    return _origin.get()


def set_address(address: str) -> None:
    """At the start of a request; forgets the token of the one before."""
    _origin.set(Origin(address=address))


def set_token(prefix: str) -> None:
    """Once the request's token is known."""
    _origin.set(Origin(address=_origin.get().address, token=prefix))
