"""Serializers for pools."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.accounts.models import Visibility
from marketplace.api.fields import BoundedListField, TeamField
from marketplace.api.serializers.base import StrictSerializer
from marketplace.checkpoints.models import Licence
from marketplace.pools.models import Pool
from marketplace.pools.selectors import MAX_POOL_SIZE, Member, members_fit, pool_members


class FitSerializer(serializers.Serializer):
    """The fit of a pool's models to each other."""

    n_models = serializers.IntegerField()
    n_hidden = serializers.IntegerField(
        help_text="how many are not shared with you; only the counts include them"
    )
    n_deleted = serializers.IntegerField(
        help_text="how many their owners have deleted; only the number of models includes them"
    )
    scenario = serializers.ChoiceField(choices=["SS", "SH", "MH"])
    scenario_title = serializers.CharField()
    channels = serializers.IntegerField(allow_null=True)
    image_sizes = serializers.ListField(child=serializers.IntegerField())
    architectures = serializers.ListField(child=serializers.CharField())
    datasets = serializers.ListField(child=serializers.CharField())
    n_classes_min = serializers.IntegerField()
    n_class_names = serializers.IntegerField()
    previews = serializers.BooleanField()
    problems = serializers.ListField(child=serializers.CharField())


class DeletedModelSerializer(serializers.Serializer):
    """What is left of a model that its owner has deleted."""

    sha256 = serializers.CharField()
    architecture = serializers.CharField()
    licence = serializers.ChoiceField(choices=Licence.choices)
    n_parameters = serializers.IntegerField()
    deleted_at = serializers.DateTimeField()


class PoolSerializer(serializers.ModelSerializer):
    """A pool in a list."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)
    n_models = serializers.SerializerMethodField()
    frozen = serializers.BooleanField(source="is_frozen", read_only=True)

    class Meta:
        model = Pool
        fields = [
            "id", "name", "owner", "team", "visibility", "n_models", "frozen", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_n_models(self, pool: Pool) -> int:
        counted: int | None = getattr(pool, "n_models", None)
        return pool.members.count() if counted is None else counted


class PoolDetailSerializer(PoolSerializer):
    """A pool with its models, in order, and how they fit together."""

    checkpoints = serializers.SerializerMethodField(
        help_text="ids of those of its models that are shared with you"
    )
    deleted_checkpoints = serializers.SerializerMethodField(
        help_text="those of its models that their owners have deleted"
    )
    fit = serializers.SerializerMethodField()

    class Meta(PoolSerializer.Meta):
        fields = [*PoolSerializer.Meta.fields, "checkpoints", "deleted_checkpoints", "fit"]
        read_only_fields = fields

    def to_representation(self, pool: Pool) -> dict[str, Any]:
        """Read the members once, as the current user may see them."""
        self._members: list[Member] = pool_members(pool, self.context["request"].user)
        shown: dict[str, Any] = super().to_representation(pool)
        return shown

    def get_checkpoints(self, pool: Pool) -> list[UUID]:
        return [member.checkpoint.pk for member in self._members if member.visible]

    @extend_schema_field(DeletedModelSerializer(many=True))
    def get_deleted_checkpoints(self, pool: Pool) -> list[dict[str, Any]]:
        rows = [member.checkpoint for member in self._members if member.deleted]
        return list(DeletedModelSerializer(rows, many=True).data)

    @extend_schema_field(FitSerializer)
    def get_fit(self, pool: Pool) -> dict[str, Any]:
        return dict(FitSerializer(members_fit(self._members)).data)


class PoolChangeSerializer(StrictSerializer):
    """The models of a pool."""

    checkpoints = BoundedListField(
        child=serializers.UUIDField(), max_length=MAX_POOL_SIZE, help_text="ids of models"
    )


class PoolCreateSerializer(PoolChangeSerializer):
    """A new pool."""

    name = serializers.CharField()
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.PRIVATE)
    team = TeamField(default=None, allow_null=True)
