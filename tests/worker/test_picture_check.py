"""One check with pictures through the worker, with real files: answered, refused, nothing kept."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.adaptation.answer_keys import AnswerKey
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import seal_pictures, session_claim
from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.checked import checkpoint_checked, read_as_now
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from metalearn.datasets import decode_image
from metalearn.errors import InvalidData
from metalearn.networks import NetworkSpec, build_network
from tests.worker.test_checkpoints import CLASSES, DEMO, validated
from worker.loading import load_teacher
from worker.picture_check import run_check
from worker.sessions import answer_session

CPU = torch.device("cpu")

WAITING = AnswerKey()


@pytest.fixture
def model(transactional_db: None, sent: list[Any]) -> Checkpoint:
    """A real model of the demo, read by a worker."""
    said: dict[str, Any] = {
        "name": "model",
        "class_names": CLASSES,
        "image_size": 32,
        "channels": 3,
    }
    said |= {"mean": (0.5,) * 3, "std": (0.25,) * 3, "licence": "mit"}
    file = ContentFile((DEMO / "model_000.safetensors").read_bytes(), name="m.safetensors")
    alice = User.objects.create_user("alice")
    row = validated(checkpoint_upload(owner=alice, draft=CheckpointDraft(**said), file=file))
    assert row.state == CheckpointState.VALID, row.reason
    return row


def picture_file(seed: int) -> bytes:
    """A rough picture, of some colour."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(0, 70, (6, 6, 3)) + rng.integers(0, 256, 3)
    image = Image.fromarray(rough.clip(0, 255).astype(np.uint8)).resize((48, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def labelled(row: Checkpoint, count: int) -> list[dict[str, str]]:
    """Pictures with the labels that the model gives them when it is read as it is."""
    files = [picture_file(seed) for seed in range(count)]
    pixels = torch.stack([decode_image(f, channels=3, image_size=32, quick=False) for f in files])
    found = load_teacher(row).logits(pixels.float() / 255).argmax(1).tolist()
    assert len(set(found)) > 1
    return [
        {"label": row.class_names[label], "image": base64.b64encode(file).decode()}
        for label, file in zip(found, files, strict=True)
    ]


@pytest.fixture
def ask(model: Checkpoint) -> Callable[..., AdaptationSession]:
    """A request of Alice's as a worker finds it."""

    def make(pictures: list[Any]) -> AdaptationSession:
        key = WAITING.public
        session = AdaptationSession.objects.create(
            checkpoint=model, user=model.owner, answer_key=key
        )
        sealed = seal_pictures(session.pk, json.dumps({"pictures": pictures}).encode())
        storage.put_stream(storage.adaptation_key(session.pk), ContentFile(sealed))
        return session

    return make


def answer_of(session: AdaptationSession) -> dict[str, Any]:
    answer_session(str(session.pk))
    session.refresh_from_db()
    assert not default_storage.exists(storage.adaptation_key(session.pk))
    return json.loads(WAITING.unseal(bytes(session.answer), purpose=f"adaptation:{session.pk}"))


def test_pictures_are_judged_by_the_model_as_it_is_read_and_are_gone(
    model: Checkpoint, ask: Callable[..., AdaptationSession]
) -> None:
    pictures = labelled(model, 20)
    pictures[3]["label"] = next(name for name in CLASSES if name != pictures[3]["label"])
    session = ask(pictures)
    answer = answer_of(session)
    assert session.state == SessionState.ANSWERED
    assert (answer["n_right"], answer["n_pictures"], answer["n_right_top5"]) == (19, 20, None)
    assert [one["right"] for one in answer["predictions"]] == [n != 3 for n in range(20)]
    assert answer["predictions"][3]["label"] == pictures[3]["label"]
    assert all(0.2 <= one["probability"] <= 1 for one in answer["predictions"])
    assert answer["read_as"] == read_as_now(model) and answer["warnings"] == []


def test_a_wrong_order_of_classes_is_found_out(
    model: Checkpoint, ask: Callable[..., AdaptationSession]
) -> None:
    pictures = labelled(model, 20)
    checkpoint_change(
        checkpoint=model, by=model.owner, values={"class_names": list(reversed(CLASSES))}
    )
    assert validated(model).state == CheckpointState.VALID
    assert answer_of(ask(pictures))["n_right"] < 10


def test_a_changed_normalisation_makes_a_checked_model_unchecked(model: Checkpoint) -> None:
    assert checkpoint_checked(checkpoint=model, read_as=read_as_now(model), right=9, pictures=10)
    checkpoint_change(checkpoint=model, by=model.owner, values={"mean": [0.1] * 3})
    assert Checkpoint.objects.get().score is not None  # the change may yet be refused
    assert validated(model).score is None


def test_a_refused_or_another_change_leaves_it_checked(model: Checkpoint) -> None:
    assert checkpoint_checked(checkpoint=model, read_as=read_as_now(model), right=9, pictures=10)
    checkpoint_change(checkpoint=model, by=model.owner, values={"class_names": ["a", "b"]})
    row = validated(model)
    assert row.reason and str(row.score) == "9 of 10 pictures right"
    checkpoint_change(checkpoint=row, by=row.owner, values={"name": "another", "dataset": "x"})
    assert Checkpoint.objects.get().score is not None


def test_a_picture_that_cannot_be_read_is_named(
    model: Checkpoint, ask: Callable[..., AdaptationSession]
) -> None:
    pictures = labelled(model, 2)
    pictures[1]["image"] = base64.b64encode(b"words").decode()
    pictures[1]["label"] = pictures[0]["label"]
    session = ask(pictures)
    detail = answer_of(session)["detail"]
    assert session.state == SessionState.REFUSED
    assert detail.startswith(f"Picture 2 of “{pictures[0]['label']}” cannot be read; use a whole")


def test_a_request_whose_worker_was_killed_is_not_taken_up_again(
    ask: Callable[..., AdaptationSession], model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ask(labelled(model, 2))
    session_claim(session_id=session.pk)  # and then the worker dies
    monkeypatch.setattr("worker.sessions.run_check", lambda *_: pytest.fail("again"))
    answer_session(str(session.pk))
    row = Checkpoint.objects.get()
    assert (row.state, row.checked_at) == (CheckpointState.VALID, None)


def test_a_model_that_goes_into_quarantine_meanwhile_is_not_used(
    ask: Callable[..., AdaptationSession], model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ask([])
    checkpoint_quarantine(checkpoint=model, by=None, reason="People.")
    User.objects.update(is_staff=True)
    monkeypatch.setattr("worker.sessions.run_check", lambda *_: pytest.fail("used"))
    assert answer_of(session)["detail"].startswith("This model is in quarantine or no longer")


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({}, "must be a list"),
        ({"pictures": ["x"]}, "must be a list"),
        ({"pictures": [{"label": "owl", "image": "AAAA"}]}, "one of the model's classes"),
        ({"pictures": [{"label": ["owl"], "image": "AAAA"}]}, "one of the model's classes"),
        ({"pictures": [{"label": "bear", "image": 7}]}, "base64 text"),
        ({"pictures": [{"label": "bear", "image": "%"}]}, "Picture 1 of “bear” is not base64"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_with_a_reason(
    model: Checkpoint, payload: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidData, match=sentence):
        run_check(load_teacher(model), payload, CPU)


def test_pictures_that_are_nearly_black_are_named_in_the_warnings(model: Checkpoint) -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((9, 9), 4095, np.uint16)).save(file, "PNG")
    dark = {"label": "bear", "image": base64.b64encode(file.getvalue()).decode()}
    (warning,) = run_check(load_teacher(model), {"pictures": [dark]}, CPU)["warnings"]
    assert warning.startswith("Picture 1 of “bear” looks nearly black")


def test_averaged_weights_in_place_of_raw_ones_make_it_unchecked(
    transactional_db: None, sent: list[Any], tmp_path: Path
) -> None:
    spec = NetworkSpec("conv4", width=8, channels=3, image_size=32, n_classes=5)
    states = []
    for seed in (0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            states.append(build_network(spec).state_dict())
    torch.save({"model": states[0], "model_ema": states[1], "epoch": 3}, tmp_path / "both.pt")
    said: dict[str, Any] = {
        "name": "model",
        "class_names": CLASSES,
        "image_size": 32,
        "channels": 3,
    }
    said |= {"mean": (0.5,) * 3, "std": (0.25,) * 3, "licence": "mit", "weights": "raw"}
    file = ContentFile((tmp_path / "both.pt").read_bytes(), name="both.pt")
    alice = User.objects.create_user("alice")
    row = validated(checkpoint_upload(owner=alice, draft=CheckpointDraft(**said), file=file))
    assert checkpoint_checked(checkpoint=row, read_as=read_as_now(row), right=1, pictures=1)
    checkpoint_change(checkpoint=row, by=alice, values={"weights": "ema"})
    assert validated(row).score is None
