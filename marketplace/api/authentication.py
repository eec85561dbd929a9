"""`Authorization: Bearer TOKEN`."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from marketplace.accounts.models import User
from marketplace.accounts.services import token_user


class TokenAuthentication(BaseAuthentication):
    """A person's token in the Authorization header."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The token's person; None when there is no bearer token at all."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send one token: “Authorization: Bearer TOKEN”.")
        user = token_user(secret=parts[1].decode("ascii", "replace"))
        if user is None:
            raise AuthenticationFailed("This token is not valid; make a new one in your settings.")
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return self.keyword
