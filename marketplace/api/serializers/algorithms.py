"""Serializers for algorithms and architectures."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec


class SettingSerializer(serializers.Serializer):
    """A setting of an algorithm."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["int", "float", "bool", "choice"])
    default = serializers.JSONField(help_text="a number, a boolean or a string")
    help = serializers.CharField()
    low = serializers.FloatField(allow_null=True, required=False)
    high = serializers.FloatField(allow_null=True, required=False)
    choices = serializers.ListField(child=serializers.CharField(), allow_null=True, required=False)
    others = serializers.CharField(
        required=False,
        help_text="other accepted values, in words; empty if there are none",
    )
    group = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="the group it belongs to; empty if only presets set it",
    )


class PresetSerializer(serializers.Serializer):
    """A named set of settings. Use it by sending its name as the setting `preset`."""

    name = serializers.CharField()
    help = serializers.CharField()
    values = serializers.DictField(help_text="the settings that differ from their defaults")


class AlgorithmSerializer(serializers.ModelSerializer):
    """An algorithm with all its settings and presets. Most have no presets."""

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
        settings: list[dict[str, Any]] = spec.settings
        return settings

    @extend_schema_field(PresetSerializer(many=True))
    def get_presets(self, spec: AlgorithmSpec) -> list[dict[str, Any]]:
        presets: list[dict[str, Any]] = spec.presets
        return presets


class ArchitectureSerializer(serializers.ModelSerializer):
    """An architecture that uploads are recognised as."""

    class Meta:
        model = ArchitectureSpec
        fields = ["name", "title", "paper"]
        read_only_fields = fields
