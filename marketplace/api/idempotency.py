"""The header by which a request that was sent twice is done once."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from marketplace.core.idempotency import MAX_KEY_LENGTH

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key with the same request gives the same answer, however often it is "
    "sent within 24 hours; with another request it is refused. "
    f"At most {MAX_KEY_LENGTH} characters.",
)


def idempotency_key(request: Request) -> str:
    """The key of a request; empty without one."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > MAX_KEY_LENGTH:
        raise ValidationError(
            {"Idempotency-Key": [f"Send a key of at most {MAX_KEY_LENGTH} characters."]}
        )
    return key
