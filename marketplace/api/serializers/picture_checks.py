"""Serializers for checks with pictures, as JSON and as a form."""

import base64
from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from contract.limits import MAX_CLASS_NAME
from marketplace.api.fields import BoundedListField, PictureField
from marketplace.api.serializers.base import StrictSerializer
from marketplace.checkpoints.checked import MAX_PICTURES


class LabelledPictureSerializer(serializers.Serializer):
    """A picture with its label."""

    label = serializers.CharField(  # type: ignore[assignment]
        max_length=MAX_CLASS_NAME, help_text="one of the model's `class_names`"
    )
    image = PictureField(help_text="the whole file as base64")


class PictureCheckSerializer(StrictSerializer):
    """A few pictures of the model's own classes."""

    pictures = BoundedListField(
        child=LabelledPictureSerializer(),
        max_length=MAX_PICTURES,
        error_messages={"max_length": "Give at most {max_length} pictures at a time."},
    )

    def to_internal_value(self, data: Any) -> Any:
        """Bring the pictures of a form into the shape of JSON first."""
        return super().to_internal_value(_from_form(data) if isinstance(data, QueryDict) else data)


class PictureCheckFormSerializer(serializers.Serializer):
    """The same as a form: both fields are repeated for each picture, in the same order."""

    pictures = serializers.ListField(child=serializers.FileField(), max_length=MAX_PICTURES)
    labels = serializers.ListField(child=serializers.CharField(), max_length=MAX_PICTURES)


class CheckedPictureSerializer(serializers.Serializer):
    """The model's prediction for one picture."""

    label = serializers.CharField()  # type: ignore[assignment]
    predicted = serializers.CharField(help_text="the class that the model finds most probable")
    probability = serializers.FloatField(help_text="probability of that class")
    right = serializers.BooleanField()


class PictureCheckAnswerSerializer(serializers.Serializer):
    """The number of correct predictions, and each picture in the order of the request."""

    n_pictures = serializers.IntegerField()
    n_right = serializers.IntegerField()
    n_right_top5 = serializers.IntegerField(
        allow_null=True,
        help_text="labels among the five most probable classes; null for up to ten classes",
    )
    predictions = CheckedPictureSerializer(many=True)
    summary = serializers.CharField(help_text="the result in words")
    advice = serializers.CharField(help_text="what to check if fewer than half are right")
    recorded = serializers.BooleanField(
        help_text="whether the model now shows this result; only its owner's checks are recorded"
    )
    warnings = serializers.ListField(
        child=serializers.CharField(),
        help_text="possible problems with readable pictures, and what to do about them",
    )


def _from_form(form: QueryDict) -> dict[str, Any]:
    files, labels = form.getlist("pictures"), form.getlist("labels")
    if not all(hasattr(file, "read") for file in files):
        raise ValidationError({"pictures": ["Send the files themselves in this field."]})
    if len(files) != len(labels):
        raise ValidationError(
            {
                "labels": [
                    f"Give one label for each picture, in the same order; there are {len(files)} "
                    f"pictures and {len(labels)} labels."
                ]
            }
        )
    images = (base64.b64encode(file.read()).decode() for file in files)  # type: ignore[attr-defined]
    pairs = zip(labels, images, strict=True)
    return {"pictures": [{"label": label, "image": image} for label, image in pairs]}
