"""The zip of a person's data: complete, true to its manifest, and never in memory."""

import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.learners.models import MetaLearner
from marketplace.leaving.export import MANIFEST, export_chunks

LISTS = {
    "account.json", "checkpoints.json", "uploads.json", "pools.json", "jobs.json",
    "learners.json", "audit.json",
}  # fmt: skip


def unzipped(user: User) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(export_chunks(user)))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_has_every_list_and_file_and_the_manifest_proves_it(
    learner: MetaLearner, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    waiting = make_checkpoint("new", state=CheckpointState.UPLOADED)
    storage.put_stream(storage.incoming_key(waiting.pk), ContentFile(b"as sent"))
    files = unzipped(alice)
    manifest = json.loads(files.pop(MANIFEST))
    assert (manifest["person"], manifest["left_out"]) == ("alice", [])
    assert {row["path"]: row["sha256"] for row in manifest["files"]} == {
        path: hashlib.sha256(content).hexdigest() for path, content in files.items()
    }
    models = json.loads(files["checkpoints.json"])
    assert {row["name"] for row in models} == {"pool a", "pool b", "new"}
    for row in models:
        name = "original" if row["name"] == "new" else "model.safetensors"
        expected = b"as sent" if row["name"] == "new" else b"tensors"
        assert files[f"checkpoints/{row['id']}/{name}"] == expected
    for entry in learner.files:
        assert len(files[f"learners/{learner.pk}/{entry['path']}"]) == entry["size"]
    assert files.keys() > LISTS
    assert len(json.loads(files["jobs.json"])) == len(json.loads(files["learners.json"])) == 1


def test_a_stranger_gets_empty_lists(learner: MetaLearner, charlie: User) -> None:
    files = unzipped(charlie)
    assert files.keys() == {*LISTS, MANIFEST}
    assert all(json.loads(files[name]) == [] for name in LISTS - {"account.json"})


def test_what_the_person_may_not_have_is_left_out_and_why_is_said(
    learner: MetaLearner,
    alice: User,
    bob: User,
    make_checkpoint: Callable[..., Any],
) -> None:
    held, gone = make_checkpoint("held"), make_checkpoint("gone")
    Checkpoint.objects.filter(pk=held.pk).update(quarantined_at=held.created_at)
    storage.remove(storage.checkpoint_key(gone.pk))
    learner.copied_models.set([make_checkpoint("bobs", owner=bob)])
    files = unzipped(alice)
    left_out = {row["path"]: row["why"] for row in json.loads(files[MANIFEST])["left_out"]}
    assert left_out.keys() == {
        f"checkpoints/{held.pk}",
        f"checkpoints/{gone.pk}/model.safetensors",
        f"learners/{learner.pk}",
    }
    assert left_out[f"checkpoints/{held.pk}"] == "The model is in quarantine."
    assert not [name for name in files if str(learner.pk) in name or str(held.pk) in name]


def test_a_large_file_goes_through_in_pieces(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    size = 64 * 2**20
    make_checkpoint("large", content=bytes(size))
    tracemalloc.start()
    try:
        sent = sum(map(len, export_chunks(alice)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > size and peak < 8 * 2**20


@pytest.mark.parametrize("n_models", [0, 1])
def test_a_list_is_json_with_and_without_rows(
    alice: User, make_checkpoint: Callable[..., Any], n_models: int
) -> None:
    for _ in range(n_models):
        make_checkpoint()
    assert len(json.loads(unzipped(alice)["checkpoints.json"])) == n_models
