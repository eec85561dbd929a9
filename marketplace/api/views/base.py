"""What the views share."""

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
    """Rows that have an owner. `get_queryset` is what the person may see, and nothing else is."""

    lookup_value_regex = ID
    # Which problems an action can answer with besides the usual ones; see `schema.Schema`.
    problems: dict[str, tuple[str, ...]] = {}
    # The scope that a token needs for an action; see `permissions.scope_of`.
    scopes: dict[str, Scope] = {}

    @property
    def user(self) -> User:
        """The person who asks; requests without one are refused before."""
        user = self.request.user
        assert isinstance(user, User)
        return user

    def get_object(self) -> Any:
        """The row of the address, or 404."""
        return get_or_404(self.get_queryset(), self.kwargs["pk"])

    def get_own(self) -> Any:
        """The row of the address: 404 when hidden, 403 when it is another person's."""
        row = self.get_object()
        if row.owner_id != self.user.pk:
            raise PermissionDenied("This belongs to another person; only its owner may do that.")
        return row

    def listed(self, serializer: type[BaseSerializer]) -> Response:
        """A page of what the filters leave."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        shape = serializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(shape.data)

    def read(self, serializer: type[BaseSerializer]) -> Any:
        """What came in, in shape; 400 otherwise."""
        shape = serializer(data=self.request.data, context=self.get_serializer_context())
        shape.is_valid(raise_exception=True)
        return shape


class Unknown(APIView):
    """Every address below /api/ that is none: a problem document, not a page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Whatever the method is."""
        hint = "" if request.path.endswith("/") else " Most addresses end with a slash."
        raise NotFound(f"There is no such address; see /api/v1/docs/.{hint}")
