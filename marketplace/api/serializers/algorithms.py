"""What the workers can run."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec


class SettingSerializer(serializers.Serializer):
    """One setting of an algorithm."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["int", "float", "bool", "choice"])
    default = serializers.JSONField(help_text="a number, true or false, or a text")
    help = serializers.CharField()
    low = serializers.FloatField(allow_null=True, required=False)
    high = serializers.FloatField(allow_null=True, required=False)
    choices = serializers.ListField(child=serializers.CharField(), allow_null=True, required=False)
    others = serializers.CharField(
        required=False, help_text="what else a choice may be, in words; empty where nothing else"
    )
    group = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="the part it belongs to; empty where only a preset sets it",
    )


class PresetSerializer(serializers.Serializer):
    """A name for a whole set of settings: send it as the setting `preset`."""

    name = serializers.CharField()
    help = serializers.CharField()
    values = serializers.DictField(help_text="what differs from the settings' defaults")


class AlgorithmSerializer(serializers.ModelSerializer):
    """One algorithm with every setting and its presets; most have none."""

    settings = serializers.SerializerMethodField()
    presets = serializers.SerializerMethodField()

    class Meta:
        model = AlgorithmSpec
        fields = [
            "name", "title", "paper", "summary", "needs_recovery", "settings", "presets",
            "version",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(SettingSerializer(many=True))
    def get_settings(self, spec: AlgorithmSpec) -> list[dict[str, Any]]:
        """As the worker published them."""
        settings: list[dict[str, Any]] = spec.settings
        return settings

    @extend_schema_field(PresetSerializer(many=True))
    def get_presets(self, spec: AlgorithmSpec) -> list[dict[str, Any]]:
        """As the worker published them, the default one first."""
        presets: list[dict[str, Any]] = spec.presets
        return presets


class ArchitectureSerializer(serializers.ModelSerializer):
    """One architecture that uploads are recognised as."""

    class Meta:
        model = ArchitectureSpec
        fields = ["name", "title", "paper"]
        read_only_fields = fields
