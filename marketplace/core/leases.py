"""Leases by the database's clock, with protection against clock jumps.

Clocks are set, and virtual machines are paused and resumed. A lease that ends too late was given
before the clock was set back. If the database's clock has moved differently from our monotonic
clock, all leases are renewed before any of them can expire.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.models import QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

log = logging.getLogger(__name__)

# Synchronised clocks differ by less.
SLACK = timedelta(seconds=2)


def from_now(length: timedelta) -> CombinedExpression:
    """Return the end of a lease that starts now, in the database's time."""
    return Now() + length


def database_now() -> datetime:
    """Return the time of the clock that leases use."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        now = cursor.fetchone()[0]
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)


class Jumps:
    """Notices when leases cannot be trusted: a clock was set, or they could not be renewed."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset: float | None = None
        self._deaf = False

    def seen(self, now: datetime) -> bool:
        """Return whether `now` differs from the expected time, or a write has failed."""
        before, self._offset = self._offset, now.timestamp() - self._monotonic()
        deaf, self._deaf = self._deaf, False
        return deaf or (before is not None and abs(self._offset - before) > settings.HEARTBEAT_S)

    def forgive(self, leased: QuerySet[Any], now: datetime, *, length: timedelta) -> None:
        """Renew the leases that cannot be trusted: all of them, or only those too long."""
        if not self.seen(now):
            leased = leased.filter(lease_until__gt=now + length + SLACK)
        if forgiven := leased.update(lease_until=from_now(length)):
            log.warning("a clock jumped, or the database was away; %s leases renewed", forgiven)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Watch a write: if ours fails or waits, so did the workers' renewals."""
        began = self._monotonic()
        try:
            yield
        except Error:
            self._deaf = True
            raise
        self._deaf |= self._monotonic() - began > settings.HEARTBEAT_S
