"""What several serialisers share."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from marketplace.api.fields import MAX_ERRORS


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know: a misspelt setting must not be lost silently."""

    def to_internal_value(self, data: Any) -> Any:
        """The values, or an error that names the unknown fields, of very many some."""
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            known = ", ".join(name for name, field in self.fields.items() if not field.read_only)
            raise ValidationError(
                {
                    _printable(name): [f"There is no such field; known are {known}."]
                    for name in islice(unknown, MAX_ERRORS)
                }
            )
        return super().to_internal_value(data)


def _printable(name: object) -> str:
    """A name that can stand in an answer: half of a surrogate pair cannot be encoded."""
    return str(name)[:100].encode("utf-8", "replace").decode()
