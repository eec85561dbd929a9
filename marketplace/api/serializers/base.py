"""Base classes of the serializers."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from marketplace.api.fields import MAX_ERRORS


class StrictSerializer(serializers.Serializer):
    """Rejects unknown fields, so that a misspelt setting is not ignored silently."""

    def to_internal_value(self, data: Any) -> Any:
        """Raise ValidationError with the first few unknown fields."""
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
    """Return a name that can be encoded, even if it contains a lone surrogate."""
    return str(name)[:100].encode("utf-8", "replace").decode()
