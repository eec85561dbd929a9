"""Serializers for jobs."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from marketplace.api.serializers.base import StrictSerializer
from marketplace.jobs.models import Job, JobEvent
from marketplace.jobs.services import MAX_SEED

MAX_SETTINGS = 200


class JobSerializer(serializers.ModelSerializer):
    """A job. `learner` is the meta-learner that it made, once it has succeeded."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)
    algorithm_title = serializers.CharField(
        source="title",
        read_only=True,
        help_text="the algorithm, with its preset and how many settings differ from it: "
        "“FREE (standard, 2 settings changed)”",
    )
    settings = serializers.DictField(read_only=True)
    eta_s = serializers.FloatField(
        read_only=True, allow_null=True, help_text="estimated seconds until it ends"
    )
    learner = serializers.SerializerMethodField(help_text="id of the meta-learner, or null")

    class Meta:
        model = Job
        fields = [
            "id", "pool", "algorithm", "algorithm_title", "settings", "seed", "version",
            "owner", "team", "visibility", "state", "stage", "steps_done", "total_steps", "eta_s",
            "error", "learner", "previews", "attempt", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_learner(self, job: Job) -> UUID | None:
        learner = getattr(job, "learner", None)
        return learner.pk if learner else None


class JobLaunchSerializer(StrictSerializer):
    """The algorithm to run, with its pool, settings and seed."""

    pool = serializers.UUIDField()
    algorithm = serializers.CharField()
    settings = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        default=dict,
        help_text="settings that differ from the defaults, or from the preset named by `preset`",
    )
    seed = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=MAX_SEED,
        error_messages={
            name: f"Give a whole number from 0 to {MAX_SEED}."
            for name in ("invalid", "min_value", "max_value", "max_string_length")
        },
    )

    def validate_settings(self, values: dict[str, Any]) -> dict[str, Any]:
        """Check the names. The service checks the values."""
        if len(values) > MAX_SETTINGS or not all(
            name.isascii() and name.isprintable() and len(name) <= 60 for name in values
        ):
            raise serializers.ValidationError(
                "Give settings by their names, as `GET algorithms/` lists them."
            )
        return values


class JobEventSerializer(serializers.ModelSerializer):
    """A line of the log."""

    class Meta:
        model = JobEvent
        fields = ["id", "at", "text"]
        read_only_fields = fields
