"""Uploads that were on their way while the instance was upgraded go on afterwards."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.uploads.models import Upload

CHECKPOINTS = ("checkpoints", "0012_fill_family")
BEFORE = [("uploads", None), CHECKPOINTS]


@pytest.mark.django_db(transaction=True)
def test_the_rows_of_unfinished_uploads_stay_when_they_become_an_app_of_their_own(
    alice: User,
) -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(BEFORE)
    old = executor.loader.project_state([CHECKPOINTS]).apps.get_model("checkpoints", "Upload")
    row = old.objects.create(
        owner_id=alice.pk, fields={"name": "birds"}, length=9, offset=4, expires_at=timezone.now()
    )
    executor = MigrationExecutor(connection)
    executor.migrate(newest)
    kept = Upload.objects.get()
    assert (kept.pk, kept.owner, kept.fields, kept.offset) == (row.pk, alice, {"name": "birds"}, 4)
