"""Records downloads, at most one per hour for the same user and file."""

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
    """Return the response, and record a download if it sends content.

    Any part counts, because all but the first byte is as good as the whole file. A download that is
    resumed a hundred times within the hour is one record.
    """
    if method == "GET" and response.status_code in _SENDS_CONTENT:
        record_hourly(act, by=by, row=row, **details)
    return response
