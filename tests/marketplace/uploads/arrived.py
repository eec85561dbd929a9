"""What has arrived."""

from marketplace import storage
from marketplace.uploads.models import Upload


def content_of(upload: Upload) -> bytes:
    """The bytes where validation looks for them."""
    with storage.local_copy(storage.incoming_key(upload.pk)) as path:
        return path.read_bytes()
