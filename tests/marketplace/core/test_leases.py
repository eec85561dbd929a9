"""Leases are measured by the clock of the database, and clocks may jump."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from marketplace.checkpoints.models import Checkpoint
from marketplace.core.leases import SLACK, Jumps, database_now, from_now
from marketplace.jobs.clock import database_now

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_databases_clock_is_asked(db: None) -> None:
    assert abs(database_now() - timezone.now()) < timedelta(seconds=3)


@pytest.fixture
def steady(settings: Settings) -> list[float]:
    """The clock that cannot be set, in our hands."""
    settings.HEARTBEAT_S = 10
    return [100.0]


@pytest.mark.parametrize(("wall_s", "jumped"), [(60, False), (69, False), (75, True), (-60, True)])
def test_a_clock_has_jumped_when_it_moved_otherwise_than_ours(
    steady: list[float], wall_s: int, jumped: bool
) -> None:
    jumps = Jumps(monotonic=lambda: steady[0])
    assert not jumps.seen(NOON)
    steady[0] += 60
    later = NOON + timedelta(seconds=wall_s)
    assert jumps.seen(later) is jumped
    assert not jumps.seen(later), "what was seen once is known"


def test_a_write_that_fails_or_waits_excuses_who_could_not_renew_and_only_once(
    steady: list[float],
) -> None:
    jumps = Jumps(monotonic=lambda: steady[0])
    with pytest.raises(OperationalError), jumps.listening():
        raise OperationalError("gone")
    assert jumps.seen(NOON) and not jumps.seen(NOON)
    with jumps.listening():
        steady[0] += 11
    assert jumps.seen(NOON + timedelta(seconds=11))
    with jumps.listening():
        pass
    assert not jumps.seen(NOON + timedelta(seconds=11))


def test_a_lease_that_is_longer_than_any_is_cut_short_and_the_others_stay(
    steady: list[float], make_checkpoint: Callable[..., Any]
) -> None:
    length, now = timedelta(minutes=5), database_now()
    fair = make_checkpoint("fair", lease_until=now + timedelta(minutes=1))
    long = make_checkpoint("long", lease_until=now + length + SLACK + timedelta(seconds=60))
    Jumps(monotonic=lambda: steady[0]).forgive(Checkpoint.objects.all(), now, length=length)
    before = fair.lease_until
    for row in (fair, long):
        row.refresh_from_db()
    assert fair.lease_until == before
    assert long.lease_until < now + length + SLACK


def test_a_lease_given_now_ends_after_its_length(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint()
    Checkpoint.objects.update(lease_until=from_now(timedelta(minutes=5)))
    row.refresh_from_db()
    left = row.lease_until - timezone.now()
    assert timedelta(minutes=4, seconds=50) < left < timedelta(minutes=5, seconds=5)
