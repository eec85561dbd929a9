"""Leases are measured by the clock of the database, and clocks may jump."""

from datetime import timedelta

from django.utils import timezone

from marketplace.jobs.clock import database_now


def test_the_databases_clock_is_asked(db: None) -> None:
    assert abs(database_now() - timezone.now()) < timedelta(seconds=3)
