"""`tokens/` and `credentials/revoke/`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import ApiToken
from marketplace.accounts.scopes import Scope
from marketplace.accounts.selectors import tokens_of
from marketplace.accounts.services import token_create, token_revoke, tokens_revoke_leaked
from marketplace.api import examples
from marketplace.api.parsers import ReportJSONParser
from marketplace.api.serializers.accounts import (
    LeakedSerializer,
    NewTokenSerializer,
    TokenCreateSerializer,
    TokenSerializer,
)
from marketplace.api.throttling import ReportsThrottle
from marketplace.api.views.base import RowView


class TokenView(RowView):
    """Your tokens."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer
    scopes = {"*": Scope.ACCOUNT}
    filterset_fields: list[str] = []

    def get_queryset(self) -> "QuerySet[ApiToken]":
        return tokens_of(self.user)

    @extend_schema(summary="List your tokens")
    def list(self, request: Request) -> Response:
        """Newest first, without their secrets."""
        return self.listed(TokenSerializer)

    @extend_schema(
        summary="Create a token",
        request=TokenCreateSerializer,
        responses={201: NewTokenSerializer},
        examples=[examples.body("For a script that only reads", examples.TOKEN_BODY)],
    )
    def create(self, request: Request) -> Response:
        """A request with a token can only create tokens with no more scopes and no later expiry."""
        said = self.read(TokenCreateSerializer).validated_data
        using = request.auth if isinstance(request.auth, ApiToken) else None
        row, secret = token_create(user=self.user, using=using, **said)
        shape = NewTokenSerializer(row, context={"secret": secret})
        where = {"Location": request.build_absolute_uri(f"{row.pk}/"), "Cache-Control": "no-store"}
        return Response(shape.data, status.HTTP_201_CREATED, headers=where)

    @extend_schema(summary="One of your tokens")
    def retrieve(self, request: Request, pk: str) -> Response:
        """Includes its scopes, and when it was last used."""
        return Response(TokenSerializer(self.get_object()).data)

    @extend_schema(summary="Revoke a token", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """It stops working at once."""
        token_revoke(token=self.get_object(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LeakedView(APIView):
    """Revokes leaked tokens, for anyone who finds one."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (ReportJSONParser,)
    throttle_classes = (ReportsThrottle,)

    @extend_schema(
        summary="Revoke tokens that leaked",
        request=LeakedSerializer,
        responses={202: None},
        examples=[examples.body("One found in a public repository", examples.LEAKED_BODY)],
    )
    def post(self, request: Request) -> Response:
        """No account is needed. The answer does not tell whether the token existed."""
        shape = LeakedSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        tokens_revoke_leaked(secrets=shape.validated_data["credentials"])
        return Response(status=status.HTTP_202_ACCEPTED)
