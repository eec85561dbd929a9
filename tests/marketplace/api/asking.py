"""Who asks, for serialisers that answer a person."""

from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import AnonymousUser

from marketplace.accounts.models import User


def asked_by(user: User | AnonymousUser) -> dict[str, Any]:
    """The context of a request of this person."""
    return {"request": SimpleNamespace(user=user)}
