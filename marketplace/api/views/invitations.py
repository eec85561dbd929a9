"""`invitations/`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.invitations import (
    invitation_accept,
    invitation_decline,
    invitation_withdraw,
)
from marketplace.accounts.models import Invitation
from marketplace.accounts.scopes import Scope
from marketplace.accounts.selectors import get_or_404, invitations_to, withdrawable_by
from marketplace.api import examples
from marketplace.api.serializers.accounts import InvitationSerializer, TeamSerializer
from marketplace.api.views.base import RowView


class InvitationView(RowView):
    """Invitations to you; those of other people are 404."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    scopes = {"accept": Scope.ACCOUNT, "destroy": Scope.ACCOUNT}
    problems = {"accept": ("409",), "destroy": ("409",)}
    filterset_fields: list[str] = []

    def get_queryset(self) -> "QuerySet[Invitation]":
        return invitations_to(self.user)

    @extend_schema(
        summary="List the invitations to you",
        examples=[examples.answer("An invitation", examples.INVITATION)],
    )
    def list(self, request: Request) -> Response:
        """Newest first. An invitation expires after 14 days."""
        return self.listed(InvitationSerializer)

    @extend_schema(
        summary="Accept an invitation",
        request=None,
        responses=TeamSerializer,
        examples=[examples.answer("The team", examples.TEAM_OF_A_MEMBER)],
    )
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """You become a member of the team, with the role that the invitation names."""
        team = invitation_accept(invitation=self.get_object(), by=self.user)
        return Response(TeamSerializer(team, context=self.get_serializer_context()).data)

    @extend_schema(summary="Decline or withdraw an invitation", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """The invited person declines it; an owner of the team withdraws it."""
        mine = invitations_to(self.user).filter(pk=pk).first()
        if mine is not None:
            invitation_decline(invitation=mine, by=self.user)
        else:
            theirs = get_or_404(withdrawable_by(self.user), pk)
            invitation_withdraw(invitation=theirs, by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
