"""Tokens and teams as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.accounts.models import ApiToken, Membership, Role, Team
from marketplace.accounts.scopes import ALL_SCOPES, Scope
from marketplace.accounts.selectors import memberships_in
from marketplace.api.fields import BoundedListField
from marketplace.api.serializers.base import StrictSerializer


class TokenSerializer(serializers.ModelSerializer):
    """A token without its secret, of which only a hash is kept."""

    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), source="scope_names"
    )

    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "scopes", "expires_at", "last_used_at", "created_at"]
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    """A token with its secret, in the answer to its making and never again."""

    token = serializers.SerializerMethodField(help_text="the secret; shown this once")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields

    def get_token(self, row: ApiToken) -> str:
        """As handed in by the view."""
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
        default=None, allow_null=True, help_text="null: until it is revoked"
    )


class LeakedSerializer(StrictSerializer):
    """Leaked tokens that were found."""

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
    """A team with the people in it, owners first."""

    members = serializers.SerializerMethodField()

    class Meta:
        model = Team
        fields = ["id", "name", "members", "created_at"]
        read_only_fields = fields

    @extend_schema_field(MemberSerializer(many=True))
    def get_members(self, team: Team) -> list[Any]:
        """Who is in it."""
        return list(MemberSerializer(memberships_in(team), many=True).data)


class TeamNameSerializer(StrictSerializer):
    """A team's name."""

    name = serializers.CharField(max_length=80)


class RoleSerializer(StrictSerializer):
    """The role of a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class MemberAddSerializer(StrictSerializer):
    """A person to add."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)
