"""A manifest: several models described in one request."""

from collections.abc import Mapping
from typing import Any

from django.core.files import File
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from marketplace.api.fields import BoundedListField
from marketplace.api.problems import sentences
from marketplace.api.serializers.base import StrictSerializer
from marketplace.api.serializers.checkpoints import CheckpointDraftSerializer
from marketplace.checkpoints.manifests import MAX_MODELS, ManifestEntry
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState

Files = Mapping[str, "File[bytes]"]


class ManifestEntrySerializer(StrictSerializer, CheckpointDraftSerializer):
    """What is said about one model, and where its file is: `upload` or `part`, one of them."""

    upload = serializers.UUIDField(
        required=False, help_text="id of an upload in pieces that was begun with `held`"
    )
    part = serializers.CharField(
        required=False, help_text="name of the part of this form in which its file comes"
    )
    file_name = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="what the file is called, which may tell its architecture",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One file, and one that is there."""
        files: Files = self.context["files"]
        if ("upload" in attrs) == ("part" in attrs):
            raise ValidationError({"upload": ["Name the file by either `upload` or `part`."]})
        if "part" in attrs and attrs["part"] not in files:
            raise ValidationError({"part": ["This form has no file in a part of that name."]})
        return attrs

    def entry(self) -> ManifestEntry:
        """For the service, whether it is right or not."""
        said = self.initial_data.get("name") if isinstance(self.initial_data, Mapping) else None
        name = said if isinstance(said, str) else "no name"
        if not self.is_valid():
            wrong = {str(field): " ".join(sentences(why)) for field, why in self.errors.items()}
            return ManifestEntry(name, None, wrong)
        values = self.validated_data
        file = self.context["files"].get(values.get("part", ""))
        return ManifestEntry(
            name,
            self.draft(),
            upload=values.get("upload"),
            file=file,
            file_name=values["file_name"] or (file.name if file else "") or "",
        )


@extend_schema_field(ManifestEntrySerializer(many=True))
class _Entries(BoundedListField):
    """Read one by one, so that what is wrong is told of all of them together."""


class ManifestSerializer(StrictSerializer):
    """The models, each with all that an upload says and the place of its file."""

    models = _Entries(child=serializers.DictField(), min_length=1, max_length=MAX_MODELS)

    def entries(self) -> list[ManifestEntry]:
        """What is known about each model."""
        return [
            ManifestEntrySerializer(data=one, context=self.context).entry()
            for one in self.validated_data["models"]
        ]


class ManifestFormSerializer(serializers.Serializer):
    """The form in which files come together with their manifest, each in a part of its own."""

    manifest = serializers.CharField(help_text="the manifest as JSON")


class AcceptedSerializer(serializers.ModelSerializer):
    """One accepted model; ask again for its `state`."""

    id = serializers.UUIDField(read_only=True)
    state = serializers.ChoiceField(choices=CheckpointState.choices, read_only=True)

    class Meta:
        model = Checkpoint
        fields = ["id", "name", "state"]
        read_only_fields = fields


class AcceptedManifestSerializer(serializers.Serializer):
    """The accepted models in the order of the manifest."""

    models = AcceptedSerializer(many=True)
