"""Uploads in pieces as a tus client sends them."""

from typing import Any

UPLOADS = "/api/v1/uploads/"
SAID = {
    "name": "Birds",
    "class_names": ["robin", "wren"],
    "image_size": 32,
    "channels": 1,
    "mean": [0.5],
    "std": [0.25],
    "licence": "mit",
}
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
PIECE = "application/offset+octet-stream"


def begin(
    client: Any,
    length: int | str = 10,
    said: dict[str, Any] = SAID,
    **headers: Any,
) -> Any:
    """The answer to the beginning of an upload."""
    return client.post(
        UPLOADS, said, format="json", HTTP_UPLOAD_LENGTH=str(length), **TUS, **headers
    )


def send(client: Any, where: str, offset: int, data: bytes, **headers: Any) -> Any:
    """The answer to one piece."""
    return client.generic(
        "PATCH", where, data, content_type=PIECE, HTTP_UPLOAD_OFFSET=str(offset), **TUS, **headers
    )
