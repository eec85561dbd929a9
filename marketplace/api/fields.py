"""Fields that several serialisers share."""

import json
from typing import Any
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from marketplace.accounts.models import Team
from marketplace.accounts.selectors import teams_of


@extend_schema_field({"type": "string"})
class JsonListField(serializers.Field):
    """A list in a multipart form: JSON as text, or the field repeated, or commas between."""

    default_error_messages = {
        "json": "Write a JSON list as text, for instance {example}, or repeat the field.",
    }

    def __init__(self, *, child: serializers.Field, example: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._list = serializers.ListField(child=child)
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
