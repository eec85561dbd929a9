"""The name of a deleted model that a job had used is not given again by its owner."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.models import Checkpoint, RetiredName
from marketplace.checkpoints.retired_names import TAKEN, name_is_retired, name_retire
from marketplace.checkpoints.services import checkpoint_delete, checkpoint_upload
from marketplace.core.errors import DomainError
from marketplace.jobs.models import Job


@pytest.fixture
def retired(job: Job) -> str:
    """The name of a model that is deleted, and was used."""
    row = job.pool.checkpoints.first()
    assert row is not None
    checkpoint_delete(checkpoint=row)
    return str(row.name)


def upload(owner: User, name: str) -> Checkpoint:
    draft = CheckpointDraft(name=name, class_names=("a", "b"))
    return checkpoint_upload(owner=owner, draft=draft, file=ContentFile(b"tensors", "x.pt"))


def test_its_owner_cannot_upload_another_model_of_that_name(
    retired: str, alice: User, bob: User
) -> None:
    for name in (retired, f"  {retired.upper()} "):
        with pytest.raises(DomainError) as refused:
            upload(alice, name)
        assert refused.value.fields == {"name": TAKEN}
    assert upload(bob, retired).name == retired
    assert upload(alice, f"{retired} 2").name == f"{retired} 2"


def test_nor_call_another_model_so(
    retired: str, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    other = make_checkpoint("other")
    with pytest.raises(DomainError) as refused:
        checkpoint_change(checkpoint=other, by=alice, values={"name": retired})
    assert refused.value.fields == {"name": TAKEN}


def test_a_model_that_has_the_name_already_keeps_it(
    job: Job, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    used = job.pool.checkpoints.first()
    assert used is not None
    namesake = make_checkpoint(used.name)
    checkpoint_delete(checkpoint=used)
    values = {"name": namesake.name, "description": "changed"}
    checkpoint_change(checkpoint=namesake, by=alice, values=values)
    namesake.refresh_from_db()
    assert (namesake.name, namesake.description) == (used.name, "changed")


def test_the_name_of_a_model_that_no_job_used_is_free(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    checkpoint_delete(checkpoint=make_checkpoint("wren"))
    assert upload(alice, "wren").name == "wren"


def test_only_a_hash_with_the_instances_key_is_kept(alice: User, settings: Settings) -> None:
    name_retire(owner=alice, name="Wren")
    name_retire(owner=alice, name="wren")
    (row,) = RetiredName.objects.all()
    assert len(str(row)) == 64 and "wren" not in str(row)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert name_is_retired(alice, "WREN")
    settings.SECRET_KEY_FALLBACKS = []
    assert not name_is_retired(alice, "wren")
