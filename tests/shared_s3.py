"""S3 storage whose instances share one client, which takes longer to make than most tests."""

from threading import local
from typing import Any

from storages.backends.s3 import S3Storage

_CONNECTIONS = local()


class SharedS3Storage(S3Storage):
    """Every test has a prefix, and so an instance, of its own; the server is the same."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._connections = _CONNECTIONS
