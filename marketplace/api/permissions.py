"""What a token may be used for: the scope that each action needs."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from marketplace.accounts.models import ApiToken
from marketplace.accounts.scopes import Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView


class MissingScope(PermissionDenied):
    """The token is good, but not for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This needs a token with the scope “{scope}”, which yours lacks; make another one "
            "in your settings."
        )
        self.scope = scope
        # RFC 6750, section 3.1.
        self.auth_header = f'Bearer error="insufficient_scope", scope="{scope}"'


class TokenScope(BasePermission):
    """A session may do everything; a token what its scopes say."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises MissingScope, which names the scope."""
        token = request.auth
        if isinstance(token, ApiToken):
            scope = scope_of(view, request.method or "")
            if scope not in token.scopes:
                raise MissingScope(scope)
        return True


def scope_of(view: "APIView", method: str) -> str:
    """The scope of a view's action: what its `scopes` say, else `read` or `write`.

    `scopes` maps actions to scopes; "*" stands for all others. What is not listed so
    needs a token that may change everything.
    """
    scopes: dict[str, Scope] = getattr(view, "scopes", {})
    action = getattr(view, "action", None) or method.lower()
    usual = Scope.READ if method in SAFE_METHODS else Scope.WRITE
    return str(scopes.get(action) or scopes.get("*") or usual)
