"""Images in a form. They stay in memory, whereas other uploads are written to disk."""

import io
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from marketplace.checkpoints.checked import MAX_PICTURES
from marketplace.core.errors import DomainError, TooLarge

FIELD = "pictures"


class PicturesHandler(FileUploadHandler):
    """Keeps the files of one field in memory, for signed-in users only."""

    _begun = 0

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, *args: Any, **kwargs: Any
    ) -> None:
        """Refuse a form that is too large before reading any of it."""
        limit = settings.MAX_BODY_BYTES
        if content_length > limit:
            raise TooLarge(
                f"The request has more than {limit / 2**20:g} MiB; send fewer or smaller pictures."
            )

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin an image, or skip a file that is not expected."""
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated or self.field_name != FIELD:
            raise SkipFile
        self._begun += 1
        if self._begun > MAX_PICTURES:
            message = f"Give at most {MAX_PICTURES} pictures at a time."
            raise DomainError(message, fields={FIELD: message})
        self._content = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep the chunk and pass it to no other handler."""
        self._content.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self._content.seek(0)
        return InMemoryUploadedFile(
            self._content,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
        )
