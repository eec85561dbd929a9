"""The `Idempotency-Key` header: a request that is sent twice is carried out once."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from marketplace.core.idempotency import MAX_KEY_LENGTH

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Repeating a request with the same key within 24 hours returns the same answer. "
    "The same key with a different request is refused. "
    f"At most {MAX_KEY_LENGTH} characters.",
)


def idempotency_key(request: Request) -> str:
    """Return the request's key, or an empty string."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > MAX_KEY_LENGTH:
        raise ValidationError(
            {"Idempotency-Key": [f"Send a key of at most {MAX_KEY_LENGTH} characters."]}
        )
    return key
