"""Fields shared by several serializers."""

import binascii
import json
from typing import Any
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from marketplace.accounts.models import Team
from marketplace.accounts.selectors import teams_of

# If every entry of a list is wrong, only the first ones are reported.
MAX_ERRORS = 10


class BoundedListField(serializers.ListField):
    """A list whose length is checked first. The framework validates all entries before it."""

    default_error_messages = {
        "max_length": "Give at most {max_length} entries.",
        "min_length": "Give at least {min_length} entries.",
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            if self.max_length is not None and len(data) > self.max_length:
                self.fail("max_length", max_length=self.max_length)
            if self.min_length is not None and len(data) < self.min_length:
                self.fail("min_length", min_length=self.min_length)
        values: list[Any] = super().to_internal_value(data)
        return values

    def run_child_validation(self, data: Any) -> list[Any]:
        values: list[Any] = []
        errors: dict[Any, Any] = {}
        for index, item in enumerate(data):
            try:
                values.append(self.child.run_validation(item))
            except ValidationError as error:
                errors[index] = error.detail
            if len(errors) == MAX_ERRORS:
                break
        if errors:
            raise ValidationError(errors)
        return values


@extend_schema_field({"type": "string"})
class JsonListField(serializers.Field):
    """A list in a multipart form: JSON text, a repeated field, or comma-separated values."""

    default_error_messages = {
        "json": "Write a JSON list as text, for instance {example}, or repeat the field.",
    }

    def __init__(
        self, *, child: serializers.Field, example: str, max_length: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._list = BoundedListField(child=child, max_length=max_length)
        self._example = example

    def get_value(self, dictionary: Any) -> Any:
        if isinstance(dictionary, QueryDict):
            return dictionary.getlist(self.field_name or "") or empty
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) == 1 and isinstance(data[0], str):
            data = data[0]
        if isinstance(data, str):
            data = self._read(data.strip())
        values: list[Any] = self._list.run_validation(data)
        return values

    def _read(self, text: str) -> Any:
        if not text.startswith(("[", "{", '"')):
            return [part.strip() for part in text.split(",")]
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, list):
            self.fail("json", example=self._example)
        return value

    def to_representation(self, value: Any) -> Any:
        return value


class NumberField(serializers.FloatField):
    """A float. Integers too large for a float are rejected as invalid."""

    def to_internal_value(self, data: Any) -> float:
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")


class PictureField(serializers.CharField):
    """An image file as base64. The prefix of a data URL is removed."""

    default_error_messages = {
        "base64": "Send the picture's bytes as base64.",
        "blank": "Send the picture's bytes as base64; this one is empty.",
    }

    def to_internal_value(self, data: Any) -> str:
        """Return base64 that can be decoded. A worker checks the image itself."""
        text = super().to_internal_value(data)
        if text.startswith("data:"):
            text = text.partition(",")[2]
        text = "".join(text.split())
        try:
            binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            self.fail("base64")
        if not text:
            self.fail("blank")
        return text


@extend_schema_field({"type": "string", "nullable": True, "description": "a team's name or id"})
class TeamField(serializers.Field):
    """A team of the current user, by name or id."""

    default_error_messages = {"unknown": "You are not in a team with that name or id."}

    def to_internal_value(self, data: Any) -> Team:
        teams = teams_of(self.context["request"].user)
        team = teams.filter(name=str(data)[:80]).first() if "\0" not in str(data) else None
        if team is None and (pk := _uuid(data)):
            team = teams.filter(pk=pk).first()
        if team is None:
            self.fail("unknown")
        return team

    def to_representation(self, value: Team) -> str:
        return value.name


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
