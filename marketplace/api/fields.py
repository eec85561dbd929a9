"""Fields that several serialisers share."""

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

# Of a list in which everything is wrong the first entries say what.
MAX_ERRORS = 10


class BoundedListField(serializers.ListField):
    """A list whose length is looked at before its entries are.

    The framework's own field checks every entry first, and tells of each that is wrong.
    """

    default_error_messages = {
        "max_length": "Give at most {max_length} entries.",
        "min_length": "Give at least {min_length} entries.",
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        """The list, or why it has the wrong length."""
        if isinstance(data, list):
            if self.max_length is not None and len(data) > self.max_length:
                self.fail("max_length", max_length=self.max_length)
            if self.min_length is not None and len(data) < self.min_length:
                self.fail("min_length", min_length=self.min_length)
        values: list[Any] = super().to_internal_value(data)
        return values

    def run_child_validation(self, data: Any) -> list[Any]:
        """The entries, or what is wrong with the first of them."""
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
    """A list in a multipart form: JSON as text, or the field repeated, or commas between."""

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
        """All values of the field, in a form; the value itself elsewhere."""
        if isinstance(dictionary, QueryDict):
            return dictionary.getlist(self.field_name or "") or empty
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[Any]:
        """The list."""
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
        """As it is."""
        return value


class NumberField(serializers.FloatField):
    """A number; one of hundreds of digits, which Python cannot turn into a float, is none."""

    def to_internal_value(self, data: Any) -> float:
        """The number."""
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")


class PictureField(serializers.CharField):
    """A picture file as base64; the head of a data URL is taken off."""

    default_error_messages = {
        "base64": "Send the picture's bytes as base64.",
        "blank": "Send the picture's bytes as base64; this one is empty.",
    }

    def to_internal_value(self, data: Any) -> str:
        """Base64 that can be decoded; a worker looks at the picture itself."""
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
    """A team of the person who asks, by name or id."""

    default_error_messages = {"unknown": "You are in no team of that name or id."}

    def to_internal_value(self, data: Any) -> Team:
        """The team."""
        teams = teams_of(self.context["request"].user)
        team = teams.filter(name=str(data)[:80]).first() if "\0" not in str(data) else None
        if team is None and (pk := _uuid(data)):
            team = teams.filter(pk=pk).first()
        if team is None:
            self.fail("unknown")
        return team

    def to_representation(self, value: Team) -> str:
        """Its name."""
        return value.name


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
