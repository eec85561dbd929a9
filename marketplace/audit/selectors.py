from collections.abc import Iterator
from datetime import datetime
from typing import Any

from marketplace.audit.chain import as_line
from marketplace.audit.models import Record


def records_as_lines(
    *, since: datetime | None = None, until: datetime | None = None, act: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield records as plain data, oldest first, in constant memory."""
    rows = Record.objects.order_by("number")
    if since is not None:
        rows = rows.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    if act:
        rows = rows.filter(act=act)
    return (as_line(row) for row in rows.iterator(chunk_size=1000))
