"""`account/`."""

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.accounts.models import ApiToken, User
from marketplace.accounts.scopes import ALL_SCOPES, Scope
from marketplace.core.errors import Forbidden
from marketplace.leaving.downloads import export_response


class AccountExportView(APIView):
    """All that is yours, as one zip."""

    scopes = {"*": Scope.ACCOUNT}

    @extend_schema(
        summary="Download all your data",
        request=None,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> HttpResponseBase:
        """A zip with `account.json`, `checkpoints.json`, `uploads.json`, `pools.json`, `jobs.json`,
        `learners.json` and `audit.json`, the files of your models and meta-learners, and last
        `manifest.json` with the SHA-256 of each of them and what is left out.

        A token needs every scope, a session a password that was confirmed in the last minutes. At
        most five times an hour.
        """
        user = request.user
        assert isinstance(user, User)
        _check_sure(request)
        return export_response(user)


def _check_sure(request: Request) -> None:
    """Raise Forbidden unless this is more than a narrow token or a session left open."""
    token = request.auth
    if isinstance(token, ApiToken):
        if missing := [scope for scope in ALL_SCOPES if scope not in token.scopes]:
            raise Forbidden(
                f"This needs a token with every scope; yours lacks {', '.join(missing)}."
            )
    elif is_reauthentication_required(request._request, app=""):
        raise Forbidden("Confirm your password first, or use a token with every scope.")
