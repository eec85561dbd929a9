"""Serializers for manifests: several models described in one request."""

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
    """The description of one model, and its file as either `upload` or `part`."""

    upload = serializers.UUIDField(
        required=False, help_text="id of an upload in pieces that was created with `held`"
    )
    part = serializers.CharField(
        required=False, help_text="name of the part of this form that contains its file"
    )
    file_name = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="the file's name, which may tell its architecture",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require exactly one file, which must exist."""
        files: Files = self.context["files"]
        if ("upload" in attrs) == ("part" in attrs):
            raise ValidationError({"upload": ["Name the file by either `upload` or `part`."]})
        if "part" in attrs and attrs["part"] not in files:
            raise ValidationError({"part": ["This form has no file in a part of that name."]})
        return attrs

    def entry(self) -> ManifestEntry:
        """Return the entry for the service. An invalid one carries its errors."""
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
    """Entries are validated one by one, so that the errors of all are reported together."""


class ManifestSerializer(StrictSerializer):
    """The models, each with the fields of an upload and the place of its file."""

    models = _Entries(child=serializers.DictField(), min_length=1, max_length=MAX_MODELS)

    def entries(self) -> list[ManifestEntry]:
        return [
            ManifestEntrySerializer(data=one, context=self.context).entry()
            for one in self.validated_data["models"]
        ]


class ManifestFormSerializer(serializers.Serializer):
    """A form with a manifest and its files, each file in its own part."""

    manifest = serializers.CharField(help_text="the manifest as JSON")


class AcceptedSerializer(serializers.ModelSerializer):
    """An accepted model. Request it again for its `state`."""

    id = serializers.UUIDField(read_only=True)
    state = serializers.ChoiceField(choices=CheckpointState.choices, read_only=True)

    class Meta:
        model = Checkpoint
        fields = ["id", "name", "state"]
        read_only_fields = fields


class AcceptedManifestSerializer(serializers.Serializer):
    """The accepted models in the order of the manifest."""

    models = AcceptedSerializer(many=True)
