"""Base classes of the views."""

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from marketplace.accounts.models import User
from marketplace.accounts.scopes import Scope
from marketplace.accounts.selectors import get_or_404

if TYPE_CHECKING:
    RowViewSet = GenericViewSet[Any]
else:
    RowViewSet = GenericViewSet

ID = r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"


class RowView(RowViewSet):
    """Rows with an owner. `get_queryset` returns exactly those that the user may see."""

    lookup_value_regex = ID
    # Error statuses of an action besides the usual ones; see `schema.Schema`.
    problems: dict[str, tuple[str, ...]] = {}
    # The scope that an action requires of a token; see `permissions.scope_of`.
    scopes: dict[str, Scope] = {}

    @property
    def user(self) -> User:
        """The current user. Anonymous requests are refused earlier."""
        user = self.request.user
        assert isinstance(user, User)
        return user

    def get_object(self) -> Any:
        return get_or_404(self.get_queryset(), self.kwargs["pk"])

    def get_own(self) -> Any:
        """Return the row: 404 if hidden, 403 if it belongs to another person."""
        row = self.get_object()
        if row.owner_id != self.user.pk:
            raise PermissionDenied("This belongs to another person; only its owner may do that.")
        return row

    def listed(self, serializer: type[BaseSerializer]) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        shape = serializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(shape.data)

    def read(self, serializer: type[BaseSerializer]) -> Any:
        """Return the validated serializer. Raise ValidationError otherwise."""
        shape = serializer(data=self.request.data, context=self.get_serializer_context())
        shape.is_valid(raise_exception=True)
        return shape


class Unknown(APIView):
    """A problem document, not an HTML page, for every unknown address below /api/."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        hint = "" if request.path.endswith("/") else " Most addresses end with a slash."
        raise NotFound(f"There is no such address; see /api/v1/docs/.{hint}")
