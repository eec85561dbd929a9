"""Meta-learners and adaptation as JSON."""

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
    """One file of the learner directory."""

    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class LearnerSerializer(serializers.ModelSerializer):
    """A meta-learner, as in lists."""

    owner = serializers.CharField(source="owner.username", read_only=True)
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)
    algorithm = serializers.CharField(source="job.algorithm", read_only=True)
    algorithm_title = serializers.CharField(
        source="job.title", read_only=True, help_text="what ran, with its preset"
    )
    pool = serializers.UUIDField(source="job.pool_id", read_only=True)
    job = serializers.SerializerMethodField()
    size_bytes = serializers.IntegerField(read_only=True)
    copies_weights = serializers.BooleanField(
        read_only=True,
        help_text="whether it holds weights of models, and is seen no more widely than they are",
    )
    usable = serializers.BooleanField(
        read_only=True,
        help_text="whether you may download and adapt it; an owner may not while one of these "
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
        """The job that made it."""
        return learner.job_id


class LearnerDetailSerializer(LearnerSerializer):
    """A meta-learner with its card (Markdown), configuration, lineage and files."""

    config = serializers.DictField(read_only=True)
    card = serializers.CharField(
        read_only=True,
        help_text="Markdown, without the models that it was made from: see `provenance`",
    )
    provenance = serializers.SerializerMethodField(
        help_text="the models that it was made from, without the names of those not shared with "
        "you; `copied` says whether it holds the weights of one"
    )
    files = FileSerializer(many=True, read_only=True)

    class Meta(LearnerSerializer.Meta):
        fields = [
            *LearnerSerializer.Meta.fields, "card", "config", "provenance", "files",
        ]  # fmt: skip
        read_only_fields = fields

    def get_provenance(self, learner: MetaLearner) -> list[dict[str, Any]]:
        """As the person who asks may know it."""
        return learner_lineage(learner, self.context["request"].user)


class LearnerChangeSerializer(StrictSerializer):
    """What can be changed of a meta-learner."""

    name = serializers.CharField(required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    team = TeamField(required=False, allow_null=True)


class SupportSerializer(serializers.Serializer):
    """One labelled picture."""

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
        default=False, help_text=f"whether to calibrate as we recommend: {RECOMMENDED}"
    )
    settings = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        default=dict,
        help_text="of the adaptation, what differs from the meta-learner's defaults",
    )


class PredictionSerializer(serializers.Serializer):
    """What one picture is taken for."""

    label = serializers.CharField()  # type: ignore[assignment]
    probabilities = serializers.DictField(
        child=serializers.FloatField(), help_text="label -> probability; they sum to 1"
    )


class PredictionsSerializer(serializers.Serializer):
    """One prediction for each query picture, in their order."""

    labels = serializers.ListField(child=serializers.CharField())
    predictions = PredictionSerializer(many=True)
    timings = serializers.DictField(
        child=serializers.FloatField(), help_text="what took how many seconds on the worker"
    )
    warnings = serializers.ListField(
        child=serializers.CharField(),
        help_text="what may be wrong with pictures that could be read, and what to do",
    )
