"""Serializers for tokens and teams."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.accounts.models import ApiToken, Membership, Role, Team
from marketplace.accounts.scopes import ALL_SCOPES, Scope
from marketplace.accounts.selectors import memberships_in
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


class TeamSerializer(serializers.ModelSerializer):
    """A team with its members, owners first."""

    members = serializers.SerializerMethodField()

    class Meta:
        model = Team
        fields = ["id", "name", "members", "created_at"]
        read_only_fields = fields

    @extend_schema_field(MemberSerializer(many=True))
    def get_members(self, team: Team) -> list[Any]:
        return list(MemberSerializer(memberships_in(team), many=True).data)


class TeamNameSerializer(StrictSerializer):
    """The name of a team."""

    name = serializers.CharField(max_length=80)


class RoleSerializer(StrictSerializer):
    """The role of a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class MemberAddSerializer(StrictSerializer):
    """A person to add."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)
