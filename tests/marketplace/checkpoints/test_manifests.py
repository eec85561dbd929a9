"""Several models in one request: all become rows, or none does."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from pytest_django import Settings

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.manifests import (
    ManifestEntry,
    ManifestRefused,
    checkpoints_from_manifest,
)
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict, InsufficientStorage


def entry(name: str, content: bytes = b"tensors", **changes: Any) -> ManifestEntry:
    """A model whose file is at hand."""
    file = ContentFile(content, name=f"{name}.pt")
    said = {"name": name, "draft": CheckpointDraft(name=name), "file": file}
    return ManifestEntry(**{**said, "file_name": f"in/{name}.pt", **changes})


def test_every_entry_becomes_a_model_in_its_place(alice: User, stored: Callable[..., Any]) -> None:
    rows = checkpoints_from_manifest(owner=alice, entries=[entry("owls"), entry("birds", b"x")])
    assert [(row.name, row.file_name, row.upload_bytes) for row in rows] == [
        ("owls", "owls.pt", 7),
        ("birds", "birds.pt", 1),
    ]
    assert stored() == sorted(storage.incoming_key(row.pk) for row in rows)


def test_one_wrong_entry_stops_all_and_says_which_it_is(
    alice: User, stored: Callable[..., Any]
) -> None:
    wrong = entry("beetles", draft=None, wrong={"mean": "Give numbers."})
    with pytest.raises(ManifestRefused, match="1 of 2 entries") as refused:
        checkpoints_from_manifest(owner=alice, entries=[entry("birds"), wrong])
    assert refused.value.fields == {"models[1]": "Entry 2 (“beetles”), mean: Give numbers."}
    assert not Checkpoint.objects.exists() and stored() == []


def test_an_upload_that_is_not_there_is_named_and_files_of_the_others_go(
    alice: User, stored: Callable[..., Any]
) -> None:
    missing = entry("beetles", file=None, upload=uuid4())
    with pytest.raises(ManifestRefused) as refused:
        checkpoints_from_manifest(owner=alice, entries=[entry("birds"), missing])
    assert "You have no such upload" in refused.value.fields["models[1]"]
    assert not Checkpoint.objects.exists() and stored() == []


def test_the_sum_of_the_files_must_have_room(
    alice: User, settings: Settings, stored: Callable[..., Any]
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    with pytest.raises(InsufficientStorage, match="more than your remaining storage"):
        checkpoints_from_manifest(owner=alice, entries=[entry("birds"), entry("owls")])
    assert not Checkpoint.objects.exists() and stored() == []


def test_the_same_key_gives_the_same_models_and_refuses_another_manifest(
    alice: User, stored: Callable[..., Any]
) -> None:
    def send(content: bytes) -> list[Checkpoint]:
        entries = [entry("birds", content), entry("owls")]
        return checkpoints_from_manifest(owner=alice, entries=entries, idempotency_key="k")

    first = send(b"x")
    assert send(b"x") == first
    with pytest.raises(Conflict, match="Idempotency-Key"):
        send(b"y")
    assert Checkpoint.objects.count() == len(stored()) == 2
