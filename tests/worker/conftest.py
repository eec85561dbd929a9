"""Rows that a worker finds."""

import pytest
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.jobs.models import Job
from marketplace.pools.models import Pool as PoolRow


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    """Every test has storage of its own, and no broker to talk to."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    settings.DATA_DIR = tmp_path


@pytest.fixture
def sent(monkeypatch):
    """What would have been sent to the broker: [(task, arguments)]."""
    messages = []
    monkeypatch.setattr(
        "marketplace.queue._send",
        lambda task, arguments, expires_s: messages.append((str(task), arguments)),
    )
    return messages


@pytest.fixture
def queued_job(transactional_db, sent):
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
