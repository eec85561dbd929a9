"""The scope that each action requires of a token."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from marketplace.accounts.models import ApiToken
from marketplace.accounts.scopes import Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView


class MissingScope(PermissionDenied):
    """A valid token lacks the required scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This needs a token with the scope “{scope}”, which yours lacks; make another one "
            "in your settings."
        )
        self.scope = scope
        # RFC 6750, section 3.1.
        self.auth_header = f'Bearer error="insufficient_scope", scope="{scope}"'


class TokenScope(BasePermission):
    """Allows a session everything, and a token what its scopes allow."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raise MissingScope if the token lacks the scope."""
        token = request.auth
        if isinstance(token, ApiToken):
            scope = scope_of(view, request.method or "")
            if scope not in token.scopes:
                raise MissingScope(scope)
        return True


def scope_of(view: "APIView", method: str) -> str:
    """Return the scope of a view's action: from the view's `scopes`, else `read` or `write`.

    `scopes` maps actions to scopes, and "*" to the scope of all other actions. An action without an
    entry needs `write` unless its method is safe.
    """
    scopes: dict[str, Scope] = getattr(view, "scopes", {})
    action = getattr(view, "action", None) or method.lower()
    usual = Scope.READ if method in SAFE_METHODS else Scope.WRITE
    return str(scopes.get(action) or scopes.get("*") or usual)
