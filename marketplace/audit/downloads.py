"""Downloads in the log: whatever part of a file was sent, and once an hour of the same person."""

from django.db import models
from django.http import HttpResponseBase

from marketplace.audit.services import Person, record_hourly
from marketplace.audit.states import Act

_SENDS_CONTENT = {200, 206}


def record_download(
    response: HttpResponseBase,
    act: Act,
    *,
    method: str | None,
    by: Person,
    row: models.Model,
    **details: object,
) -> HttpResponseBase:
    """The response; noted when it sends content.

    All but the first byte of a file is as good as the file, so a piece from anywhere counts. A
    download that is resumed a hundred times within the hour is one record.
    """
    if method == "GET" and response.status_code in _SENDS_CONTENT:
        record_hourly(act, by=by, row=row, **details)
    return response
