"""Serializers for checkpoints and uploads."""

from dataclasses import fields
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contract.limits import MAX_CLASSES
from marketplace.accounts.models import Visibility
from marketplace.api.fields import BoundedListField, JsonListField, NumberField, TeamField
from marketplace.api.serializers.base import StrictSerializer
from marketplace.checkpoints.class_list import SHOWN
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.models import Checkpoint, Licence, WeightsKind
from marketplace.checkpoints.states import CheckpointState
from marketplace.uploads.models import Upload


class ReadingSerializer(serializers.Serializer):
    """The worker's account of how it read the file. A rejected file has only `candidates`."""

    told_by = serializers.CharField(
        required=False,
        help_text="where the architecture comes from: `chosen`, `tensors`, or a place in the file "
        "such as `args.model`",
    )
    guessed = serializers.BooleanField(
        required=False,
        help_text="whether it was guessed from the tensors, which others may share",
    )
    candidates = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="architectures with these tensors",
    )
    weights = serializers.ChoiceField(
        choices=WeightsKind.choices, required=False, help_text="the weights that were used"
    )
    other_weights = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="other weights in the file"
    )
    left_out = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="entries of the file that were not used: pairs of name and reason, at most 50",
    )
    filled = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="where each value that the upload left out comes from: `file`, `architecture` "
        "(its usual input), or `imagenet` (1,000 outputs without names)",
    )
    licence = serializers.CharField(
        required=False,
        help_text="the licence as written in the files, if it comes from them",
    )


class CheckedSerializer(serializers.Serializer):
    """The owner's last check with pictures since the model was last read differently."""

    at = serializers.DateTimeField(source="checked_at")
    n_pictures = serializers.IntegerField(source="checked_pictures")
    n_right = serializers.IntegerField(source="checked_right")


class CheckpointSerializer(serializers.ModelSerializer):
    """A model.

    `reason` says why a model was rejected and how to fix it. The owner of a valid model sees in it
    why the last change was refused.
    """

    owner = serializers.CharField(source="owner.username", read_only=True)
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)
    class_names = serializers.ListField(child=serializers.CharField(), read_only=True)
    mean = serializers.ListField(child=serializers.FloatField(), read_only=True)
    std = serializers.ListField(child=serializers.FloatField(), read_only=True)
    weights = serializers.CharField(
        read_only=True,
        help_text="the owner's choice if the file has both: `raw`, `ema` or ``",
    )
    reading = ReadingSerializer(read_only=True)
    reason = serializers.SerializerMethodField()
    pending = serializers.SerializerMethodField()
    checked = serializers.SerializerMethodField()

    class Meta:
        model = Checkpoint
        fields = [
            "id", "name", "description", "owner", "team", "visibility", "dataset", "licence",
            "class_names", "image_size", "channels", "mean", "std", "architecture", "family",
            "weights", "consent_recovery", "consent_preview", "state", "reason", "reading",
            "pending", "checked", "original_until", "upload_sha256",
            "quarantined_at", "quarantine_reason",
            "upload_bytes", "sha256", "fingerprint", "size_bytes", "n_classes", "width",
            "n_parameters", "created_at", "validated_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_reason(self, row: Checkpoint) -> str:
        """Show the reason of a refused change to the owner only."""
        request = self.context.get("request")
        mine = request is not None and request.user.pk == row.owner_id
        return row.reason if mine or row.state == CheckpointState.REJECTED else ""

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_pending(self, row: Checkpoint) -> dict[str, Any]:
        """Return the owner's changes to a valid model that a worker has not checked yet."""
        pending: dict[str, Any] = {} if row.is_final else row.pending
        return pending

    @extend_schema_field(CheckedSerializer(allow_null=True))
    def get_checked(self, row: Checkpoint) -> Any:
        return None if row.checked_at is None else CheckedSerializer(row).data


class CheckpointRowSerializer(CheckpointSerializer):
    """A model in a list, with its first class names only."""

    class_names = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text=f"the first {SHOWN}; `n_classes` is their number, and `GET checkpoints/{{id}}/` "
        "returns all"
    )

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_class_names(self, row: Checkpoint) -> list[str]:
        names: list[str] = row.class_names[:SHOWN]
        return names


# A generous bound. The draft checks that the number of values matches the channels.
_MOST_CHANNELS = 16


class CheckpointDraftSerializer(serializers.Serializer):
    """The description of a file."""

    name = serializers.CharField()
    class_names = JsonListField(
        child=serializers.CharField(),
        max_length=MAX_CLASSES,
        default=list,
        example='["cat", "dog"]',
        help_text='one name for each output, in order, as a JSON list: ["cat", "dog"]; '
        "if omitted, those in the file",
    )
    image_size = serializers.IntegerField(
        default=0, help_text="height of the input in pixels; if omitted, as the file says"
    )
    channels = serializers.IntegerField(
        default=0, help_text="1 for grey, 3 for colour; if omitted, as the file says"
    )
    mean = JsonListField(
        child=NumberField(),
        max_length=_MOST_CHANNELS,
        default=list,
        example="[0.5, 0.5, 0.5]",
        help_text="one number for each channel, for images from 0 to 1, as a JSON list; if "
        "omitted, as the file or its architecture says",
    )
    std = JsonListField(
        child=NumberField(),
        max_length=_MOST_CHANNELS,
        default=list,
        example="[0.25, 0.25, 0.25]",
        help_text="one number for each channel, for images from 0 to 1, as a JSON list; if "
        "omitted, as the file or its architecture says",
    )
    licence = serializers.ChoiceField(
        choices=Licence.choices,
        default=Licence.UNSTATED,
        help_text="if omitted, from README.md or config.json in its folder, or from the file",
    )
    architecture = serializers.CharField(
        default="", allow_blank=True, help_text="if omitted, recognised from the tensors"
    )
    weights = serializers.ChoiceField(
        choices=WeightsKind.choices,
        default="",
        allow_blank=True,
        help_text="which weights to use if the file has both; if omitted, the averaged ones",
    )
    description = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=20_000,
        help_text="if omitted, the first paragraph of the README.md in its folder",
    )
    dataset = serializers.CharField(
        default="", allow_blank=True, max_length=80, help_text="what it was trained on, in a word"
    )
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.PRIVATE)
    team = TeamField(default=None, allow_null=True)
    consent_recovery = serializers.BooleanField(
        default=False, help_text="whether images may be recovered from this model"
    )
    consent_preview = serializers.BooleanField(
        default=False, help_text="whether people may be shown a grid of recovered images"
    )

    def draft(self) -> CheckpointDraft:
        """Return the description, without the file."""
        names = {field.name for field in fields(CheckpointDraft)}
        said = {name: value for name, value in self.validated_data.items() if name in names}
        return CheckpointDraft(**said)


class CheckpointUploadSerializer(CheckpointDraftSerializer):
    """A form with a file and its description."""

    file = serializers.FileField(
        allow_empty_file=False,
        help_text="a .safetensors file, or a PyTorch state dict (.pt, .pth)",
        error_messages={
            "required": "Send the file itself in this field.",
            "invalid": "Send the file itself in this field, as multipart/form-data.",
            "empty": "The file is empty; choose another one.",
        },
    )


class UploadBeginSerializer(CheckpointDraftSerializer):
    """The description of a file that is sent in pieces."""

    name = serializers.CharField(default="", help_text="required, unless the file is held")

    file_name = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="the file's name, which may tell its architecture; `filename` in "
        "`Upload-Metadata` does the same",
    )

    sha256 = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="hash of the whole file; a worker checks that the file arrived intact",
    )
    held = serializers.BooleanField(
        default=False,
        help_text="keep the file for a manifest, which describes it; no other field is needed then",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Require a name, unless the file is held."""
        said: dict[str, Any] = super().to_internal_value(data)
        if not said["held"] and not said["name"]:
            raise serializers.ValidationError({"name": ["Give the model a name."]})
        return said

    def draft_unless_held(self) -> CheckpointDraft | None:
        return None if self.validated_data["held"] else self.draft()


class QuarantineSerializer(StrictSerializer):
    """The reason for putting a model into quarantine."""

    reason = serializers.CharField(max_length=500, help_text="shown to the model's owner")


class UploadSerializer(serializers.ModelSerializer):
    """The progress of an upload in pieces. The resulting model has the same id."""

    class Meta:
        model = Upload
        fields = ["id", "length", "offset", "held", "created_at", "expires_at", "finished_at"]
        read_only_fields = fields


class CheckpointChangeSerializer(StrictSerializer):
    """Changes to a model. A worker checks those from `architecture` on before they take effect."""

    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    dataset = serializers.CharField(required=False, allow_blank=True, max_length=80)
    licence = serializers.ChoiceField(choices=Licence.choices, required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    team = TeamField(required=False, allow_null=True)
    consent_recovery = serializers.BooleanField(required=False)
    consent_preview = serializers.BooleanField(required=False)
    architecture = serializers.CharField(
        required=False, allow_blank=True, help_text="empty: recognised from the file"
    )
    weights = serializers.ChoiceField(choices=WeightsKind.choices, required=False, allow_blank=True)
    class_names = BoundedListField(
        child=serializers.CharField(), required=False, max_length=MAX_CLASSES
    )
    image_size = serializers.IntegerField(required=False)
    channels = serializers.IntegerField(required=False)
    mean = BoundedListField(child=NumberField(), required=False, max_length=_MOST_CHANNELS)
    std = BoundedListField(child=NumberField(), required=False, max_length=_MOST_CHANNELS)
