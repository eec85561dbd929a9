from functools import cache

from django.http import HttpRequest

from marketplace.accounts.models import User
from marketplace.accounts.selectors import invitations_to


def invitations(request: HttpRequest) -> dict[str, object]:
    """Provide every template with the number of the user's invitations, counted on first use."""
    user = getattr(request, "user", None)
    return {"n_invitations": cache(lambda: _count(user))}


def _count(user: object) -> int:
    return invitations_to(user).count() if isinstance(user, User) else 0
