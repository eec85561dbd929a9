"""`teams/`."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.invitations import INVITED, team_invite
from marketplace.accounts.models import Team, User
from marketplace.accounts.scopes import Scope
from marketplace.accounts.selectors import memberships_in, teams_of
from marketplace.accounts.services import (
    team_change_role,
    team_create,
    team_delete,
    team_remove_member,
    team_rename,
)
from marketplace.api import examples
from marketplace.api.serializers.accounts import (
    InviteAnswerSerializer,
    InviteSerializer,
    RoleSerializer,
    TeamNameSerializer,
    TeamSerializer,
)
from marketplace.api.views.base import RowView

_ONE = examples.answer("A team", examples.TEAM)
_USERNAME = OpenApiParameter("username", OpenApiTypes.STR, OpenApiParameter.PATH)


class TeamView(RowView):
    """Teams that you are in; others are 404."""

    queryset = Team.objects.none()
    serializer_class = TeamSerializer
    scopes = {
        "create": Scope.ACCOUNT,
        "partial_update": Scope.ACCOUNT,
        "destroy": Scope.ACCOUNT,
        "members": Scope.ACCOUNT,
        "member": Scope.ACCOUNT,
        "member_remove": Scope.ACCOUNT,
    }
    problems = {"members": ("409",), "member": ("409",), "member_remove": ("409",)}
    filterset_fields: list[str] = []

    def get_queryset(self) -> "QuerySet[Team]":
        return teams_of(self.user)

    @extend_schema(summary="List your teams", examples=[_ONE])
    def list(self, request: Request) -> Response:
        """Sorted by name."""
        return self.listed(TeamSerializer)

    @extend_schema(
        summary="Create a team",
        request=TeamNameSerializer,
        responses={201: TeamSerializer},
        examples=[_ONE, examples.body("A name", {"name": "Botany"})],
    )
    def create(self, request: Request) -> Response:
        """You become its first owner."""
        team = team_create(owner=self.user, **self.read(TeamNameSerializer).validated_data)
        where = {"Location": request.build_absolute_uri(f"{team.pk}/")}
        return Response(self._shape(team), status.HTTP_201_CREATED, headers=where)

    @extend_schema(summary="One team", examples=[_ONE])
    def retrieve(self, request: Request, pk: str) -> Response:
        """Includes all members."""
        return Response(self._shape(self.get_object()))

    @extend_schema(
        summary="Rename a team",
        request=TeamNameSerializer,
        responses=TeamSerializer,
        examples=[_ONE],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Owners only."""
        team = self.get_object()
        name = self.read(TeamNameSerializer).validated_data["name"]
        return Response(self._shape(team_rename(team=team, by=self.user, name=name)))

    @extend_schema(summary="Delete a team", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Owners only. Everything that was shared with the team becomes private."""
        team_delete(team=self.get_object(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Invite a person to a team",
        request=InviteSerializer,
        responses={202: InviteAnswerSerializer},
        examples=[
            examples.answer("The answer to every name", {"detail": INVITED}),
            examples.body("A plain member", {"username": "bob"}),
        ],
    )
    @action(detail=True, methods=["post"])
    def members(self, request: Request, pk: str) -> Response:
        """Owners only. The person becomes a member when they accept, within 14 days.

        The answer is the same whether someone has that name or not. Inviting a name again renews
        the invitation. 409 if the team has 50 open invitations.
        """
        team = self.get_object()
        said = self.read(InviteSerializer).validated_data
        answer = team_invite(team=team, by=self.user, **said)
        return Response({"detail": answer}, status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Change the role of a member",
        parameters=[_USERNAME],
        request=RoleSerializer,
        responses=TeamSerializer,
        examples=[_ONE],
    )
    def member(self, request: Request, pk: str, username: str) -> Response:
        """Owners only. A team always has at least one owner."""
        team = self.get_object()
        user = self._member(team, username)
        role = self.read(RoleSerializer).validated_data["role"]
        team_change_role(team=team, by=self.user, user=user, role=role)
        return Response(self._shape(team))

    @extend_schema(
        summary="Remove a member from a team", parameters=[_USERNAME], responses={204: None}
    )
    def member_remove(self, request: Request, pk: str, username: str) -> Response:
        """Owners can remove anyone; members can leave. A team always has at least one owner."""
        team = self.get_object()
        user = self._member(team, username)
        team_remove_member(team=team, by=self.user, user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shape(self, team: Team) -> dict[str, Any]:
        return TeamSerializer(team, context=self.get_serializer_context()).data

    def _member(self, team: Team, username: str) -> User:
        if "\0" in username:
            raise Http404("The team has no member of that name.")
        membership = memberships_in(team).filter(user__username=username).first()
        if membership is None:
            raise Http404("The team has no member of that name.")
        return membership.user
