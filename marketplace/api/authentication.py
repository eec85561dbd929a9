"""Bearer token authentication."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from marketplace.accounts.models import ApiToken, User
from marketplace.accounts.services import token_use
from marketplace.api.throttling import address_of, note
from marketplace.audit.context import set_token
from marketplace.core.rate_limits import Policy, take

# A token cannot be guessed. A client that sends wrong ones this often is a broken script.
WRONG_TOKENS = Policy("wrong-tokens", quota=60, window_s=60)


class TokenAuthentication(BaseAuthentication):
    """Authentication by a person's API token, which becomes `request.auth`."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token and its user, or None if the request has no bearer token."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send one token: “Authorization: Bearer TOKEN”.")
        token = token_use(secret=parts[1].decode("ascii", "replace"))
        if token is None:
            usage = take(WRONG_TOKENS, address_of(request))
            if not usage.allowed:
                note(request, usage)
                raise Throttled(wait=usage.reset_s, detail="Too many wrong tokens.")
            raise AuthenticationFailed("This token is not valid; make a new one in your settings.")
        set_token(token.prefix)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword
