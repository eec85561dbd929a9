"""Serializers for tokens, teams and invitations."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.accounts.models import ApiToken, Invitation, Membership, Role, Team
from marketplace.accounts.permissions import can_manage_team
from marketplace.accounts.scopes import ALL_SCOPES, Scope
from marketplace.accounts.selectors import memberships_in, pending_in
from marketplace.api.fields import BoundedListField
from marketplace.api.serializers.base import StrictSerializer


class TokenSerializer(serializers.ModelSerializer):
    """A token without its secret."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), source="scope_names"
    )

    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "scopes", "expires_at", "last_used_at", "created_at"]
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    """A new token with its secret, which is shown only once."""

    token = serializers.SerializerMethodField(help_text="the secret; shown only once")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields

    def get_token(self, row: ApiToken) -> str:
        return str(self.context["secret"])


class TokenCreateSerializer(StrictSerializer):
    """A new token."""

    name = serializers.CharField(max_length=80)
    scopes = BoundedListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        min_length=1,
        max_length=len(ALL_SCOPES),
    )
    expires_at = serializers.DateTimeField(
        default=None, allow_null=True, help_text="null: valid until revoked"
    )


class LeakedSerializer(StrictSerializer):
    """Leaked tokens."""

    credentials = BoundedListField(
        child=serializers.CharField(max_length=500, allow_blank=True), min_length=1, max_length=100
    )


class MemberSerializer(serializers.ModelSerializer):
    """A member of a team."""

    username = serializers.CharField(source="user.username")

    class Meta:
        model = Membership
        fields = ["username", "role"]
        read_only_fields = fields


class InvitedSerializer(serializers.ModelSerializer):
    """An open invitation, as the team's owners see it."""

    username = serializers.CharField(
        source="name", help_text="the name that an owner typed, whether someone has it or not"
    )

    class Meta:
        model = Invitation
        fields = ["id", "username", "role", "created_at", "expires_at"]
        read_only_fields = fields


class InvitationSerializer(serializers.ModelSerializer):
    """An invitation to a team, as the invited person sees it."""

    team = serializers.CharField(source="team.name", help_text="the team's name")
    invited_by = serializers.CharField(
        source="invited_by.username",
        allow_null=True,
        default=None,
        help_text="null: the account is gone",
    )

    class Meta:
        model = Invitation
        fields = ["id", "team", "role", "invited_by", "created_at", "expires_at"]
        read_only_fields = fields


class TeamSerializer(serializers.ModelSerializer):
    """A team with its members, owners first. The context has the request."""

    members = serializers.SerializerMethodField()
    invited = serializers.SerializerMethodField(
        help_text="the open invitations; null: only owners of the team see them"
    )

    class Meta:
        model = Team
        fields = ["id", "name", "members", "invited", "created_at"]
        read_only_fields = fields

    @extend_schema_field(MemberSerializer(many=True))
    def get_members(self, team: Team) -> list[Any]:
        return list(MemberSerializer(memberships_in(team), many=True).data)

    @extend_schema_field(InvitedSerializer(many=True, allow_null=True))
    def get_invited(self, team: Team) -> list[Any] | None:
        if not can_manage_team(self.context["request"].user, team):
            return None
        return list(InvitedSerializer(pending_in(team), many=True).data)


class TeamNameSerializer(StrictSerializer):
    """The name of a team."""

    name = serializers.CharField(max_length=80)


class RoleSerializer(StrictSerializer):
    """The role of a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class InviteSerializer(StrictSerializer):
    """A person to invite."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)


class InviteAnswerSerializer(serializers.Serializer):
    """The answer to every name."""

    detail = serializers.CharField()
