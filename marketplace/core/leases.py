"""Leases: given and called over by the database's clock, and not believed when clocks jump.

A clock is set; a virtual machine is frozen and thawed. A lease that ends later than any can
was given by a clock that has been set back since. And when the database's clock has moved otherwise
than ours, which cannot be set, no lease can be called expired before it could be renewed.
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

# Clocks of machines that keep their time differ by less.
SLACK = timedelta(seconds=2)


def from_now(length: timedelta) -> CombinedExpression:
    """When a lease ends that is given now, in the database's time."""
    return Now() + length


def database_now() -> datetime:
    """The time of the clock by which leases are given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        now = cursor.fetchone()[0]
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)


class Jumps:
    """Notices when leases cannot be believed: a clock was set, or they could not be renewed."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset: float | None = None
        self._deaf = False

    def seen(self, now: datetime) -> bool:
        """Whether `now` is not where the last look let expect it, or a write could not be made."""
        before, self._offset = self._offset, now.timestamp() - self._monotonic()
        deaf, self._deaf = self._deaf, False
        return deaf or (before is not None and abs(self._offset - before) > settings.HEARTBEAT_S)

    def forgive(self, leased: QuerySet[Any], now: datetime, *, length: timedelta) -> None:
        """Renew the leases of these rows that cannot be believed: all, or those too long."""
        if not self.seen(now):
            leased = leased.filter(lease_until__gt=now + length + SLACK)
        if forgiven := leased.update(lease_until=from_now(length)):
            log.warning("a clock jumped, or the database was away; %s new leases", forgiven)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Around a write: where ours fails or waits, so did those by which workers show life."""
        began = self._monotonic()
        try:
            yield
        except Error:
            self._deaf = True
            raise
        self._deaf |= self._monotonic() - began > settings.HEARTBEAT_S
