"""Downloads in the log: once for a file, however many pieces it is fetched in."""

from django.db import models
from django.http import HttpResponseBase

from marketplace.audit.services import Person, record
from marketplace.audit.states import Act


def record_download(
    response: HttpResponseBase, act: Act, *, by: Person, row: models.Model, **details: object
) -> HttpResponseBase:
    """The response; noted unless it goes on with a file, or the caller has the file already."""
    begins = response.headers.get("Content-Range", "bytes 0-").startswith("bytes 0-")
    if response.status_code in {200, 206} and begins:
        record(act, by=by, row=row, **details)
    return response
