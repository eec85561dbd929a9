"""Rows that a worker finds."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.jobs.models import Job
from marketplace.pools.models import Pool as PoolRow


@pytest.fixture(autouse=True)
def _files_of_this_test(own_files: Path, graphs_once: None) -> None:
    """Every test has storage of its own."""


@pytest.fixture
def queued_job(transactional_db: None, sent: list[Any]) -> Job:
    """A job that waits for a worker."""
    alice = User.objects.create_user("alice")
    pool = PoolRow.objects.create(owner=alice, name="pool")
    return Job.objects.create(
        owner=alice,
        pool=pool,
        algorithm="toy",
        version="1",
        snapshot_secret="ab" * 32,
        woken_at=timezone.now(),
    )
