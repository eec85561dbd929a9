"""Serializers for meta-learners and adaptation."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from contract.limits import MAX_CLASS_NAME, MAX_QUERIES, MAX_SHOT, MAX_WAY
from marketplace.accounts.models import Visibility
from marketplace.adaptation.calibration import RECOMMENDED
from marketplace.api.fields import BoundedListField, PictureField, TeamField
from marketplace.api.serializers.base import StrictSerializer
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import learner_lineage


class FileSerializer(serializers.Serializer):
    """A file of the learner directory."""

    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class LearnerSerializer(serializers.ModelSerializer):
    """A meta-learner in a list."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)
    algorithm = serializers.CharField(source="job.algorithm", read_only=True)
    algorithm_title = serializers.CharField(
        source="job.title", read_only=True, help_text="the algorithm, with its preset"
    )
    pool = serializers.UUIDField(source="job.pool_id", read_only=True)
    job = serializers.SerializerMethodField()
    size_bytes = serializers.IntegerField(read_only=True)
    copies_weights = serializers.BooleanField(
        read_only=True,
        help_text="whether it contains weights of models, and is therefore shared no more widely",
    )
    usable = serializers.BooleanField(
        read_only=True,
        help_text="whether you may download and adapt it; even an owner may not while one of these "
        "models is hidden from them",
    )

    class Meta:
        model = MetaLearner
        fields = [
            "id", "name", "owner", "team", "visibility", "algorithm", "algorithm_title", "pool",
            "job", "size_bytes", "copies_weights", "usable", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_job(self, learner: MetaLearner) -> UUID:
        return learner.job_id


class LearnerDetailSerializer(LearnerSerializer):
    """A meta-learner with its card (Markdown), configuration, provenance and files."""

    config = serializers.DictField(read_only=True)
    card = serializers.CharField(
        read_only=True,
        help_text="Markdown, without the source models: see `provenance`",
    )
    provenance = serializers.SerializerMethodField(
        help_text="the source models, without the names of those not shared with you; `copied` "
        "says whether it contains a model's weights"
    )
    files = FileSerializer(many=True, read_only=True)

    class Meta(LearnerSerializer.Meta):
        fields = [
            *LearnerSerializer.Meta.fields, "card", "config", "provenance", "files",
        ]  # fmt: skip
        read_only_fields = fields

    def get_provenance(self, learner: MetaLearner) -> list[dict[str, Any]]:
        return learner_lineage(learner, self.context["request"].user)


class LearnerChangeSerializer(StrictSerializer):
    """Changes to a meta-learner."""

    name = serializers.CharField(required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    team = TeamField(required=False, allow_null=True)


class SupportSerializer(serializers.Serializer):
    """A labelled picture."""

    label = serializers.CharField(  # type: ignore[assignment]
        max_length=MAX_CLASS_NAME,
        error_messages={"blank": "Every class needs a name."},
    )
    image = PictureField()


class AdaptationSerializer(StrictSerializer):
    """A few labelled pictures, and pictures to label."""

    support = BoundedListField(child=SupportSerializer(), max_length=MAX_WAY * MAX_SHOT)
    query = BoundedListField(
        child=PictureField(),
        max_length=MAX_QUERIES,
        error_messages={"max_length": "Ask about at most {max_length} pictures at a time."},
    )
    calibrate = serializers.BooleanField(
        default=False, help_text=f"whether to use the recommended calibration: {RECOMMENDED}"
    )
    settings = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        default=dict,
        help_text="adaptation settings that differ from the meta-learner's defaults",
    )


class PredictionSerializer(serializers.Serializer):
    """The prediction for one picture."""

    label = serializers.CharField()  # type: ignore[assignment]
    probabilities = serializers.DictField(
        child=serializers.FloatField(), help_text="label -> probability; they sum to 1"
    )


class PredictionsSerializer(serializers.Serializer):
    """One prediction for each query picture, in order."""

    labels = serializers.ListField(child=serializers.CharField())
    predictions = PredictionSerializer(many=True)
    timings = serializers.DictField(
        child=serializers.FloatField(), help_text="seconds that each stage took on the worker"
    )
    warnings = serializers.ListField(
        child=serializers.CharField(),
        help_text="possible problems with readable pictures, and what to do about them",
    )
