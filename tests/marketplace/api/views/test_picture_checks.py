"""`checkpoints/{id}/check/`: who may, in both shapes, and that no picture reaches storage."""

import base64
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import session_answer, session_claim, unseal_pictures
from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.checked import read_as_now
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.queue import Task

PIXELS = b"\x89PNG pixels of a robin"
PICTURE = {"label": "robin", "image": base64.b64encode(PIXELS).decode()}


@pytest.fixture
def model(make_checkpoint: Callable[..., Any], shared: Any) -> Checkpoint:
    """Alice's, shared with her team."""
    return make_checkpoint(class_names=["robin", "wren, jenny"], n_classes=2, **shared.team)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A worker that finds every picture right, and what it was given."""
    seen = []

    def work(task: Task, *, session_id: str) -> None:
        session = session_claim(session_id=session_id)
        assert session is not None and session.checkpoint is not None
        with storage.local_copy(storage.adaptation_key(session.pk)) as path:
            sealed = path.read_bytes()
        seen.append((sealed, json.loads(unseal_pictures(session.pk, sealed))))
        pictures = seen[-1][1]["pictures"]
        one = {"predicted": "robin", "probability": 0.9, "right": True}
        answer = {
            "n_pictures": len(pictures),
            "n_right": len(pictures),
            "n_right_top5": None,
            "predictions": [{"label": picture["label"], **one} for picture in pictures],
            "warnings": [],
            "read_as": read_as_now(session.checkpoint),
        }
        session_answer(session=session, state=SessionState.ANSWERED, answer=answer)

    monkeypatch.setattr("marketplace.adaptation.sessions.enqueue", work)
    return seen


@pytest.fixture
def check(client_of: Callable[..., Any]) -> Callable[..., Any]:
    """A call by a person, as JSON unless told otherwise."""

    def call(person: User, row: Checkpoint, pictures: list[Any] | None, **how: Any) -> Any:
        body = {"pictures": pictures}
        return client_of(person).post(f"/api/v1/checkpoints/{row.pk}/check/", body, **how)

    return call


def files(count: int, content: bytes = PIXELS) -> list[Any]:
    return [SimpleUploadedFile(f"{n}.png", content, "image/png") for n in range(count)]


@pytest.fixture
def send_form(client_of: Callable[..., Any], alice: User, model: Checkpoint) -> Callable[..., Any]:
    """The call as a form."""

    def send(pictures: list[Any], labels: list[Any]) -> Any:
        body = {"pictures": pictures, "labels": labels}
        url = f"/api/v1/checkpoints/{model.pk}/check/"
        return client_of(alice).post(url, body, format="multipart")

    return send


def test_the_owners_check_is_answered_recorded_and_nothing_of_the_pictures_stays(
    check: Callable[..., Any],
    alice: User,
    model: Checkpoint,
    worker: list[Any],
    left_behind: Callable[..., Any],
) -> None:
    before = left_behind()
    answer = check(alice, model, [PICTURE, PICTURE])
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["n_right"], told["n_pictures"], told["recorded"]) == (2, 2, True)
    assert told["summary"] == "2 of 2 pictures right" and told["advice"] == ""
    ((sealed, given),) = worker
    assert given == {"pictures": [PICTURE, PICTURE]} and PIXELS not in sealed
    assert PICTURE["image"].encode() not in sealed
    assert not AdaptationSession.objects.exists()
    assert set(left_behind()) - set(before) == set()


def test_the_model_says_so_from_then_on_to_everybody_who_sees_it(
    check: Callable[..., Any],
    client_of: Callable[..., Any],
    alice: User,
    bob: User,
    model: Checkpoint,
    worker: list[Any],
) -> None:
    url = f"/api/v1/checkpoints/{model.pk}/"
    assert client_of(bob).get(url).json()["checked"] is None
    check(alice, model, [PICTURE])
    said = client_of(bob).get(url).json()["checked"]
    assert (said["n_right"], said["n_pictures"]) == (1, 1) and said["at"]


def test_a_teammate_checks_for_themselves_and_changes_nothing(
    check: Callable[..., Any], bob: User, model: Checkpoint, worker: list[Any]
) -> None:
    answer = check(bob, model, [PICTURE])
    assert (answer.status_code, answer.json()["recorded"]) == (200, False)
    model.refresh_from_db()
    assert model.checked_at is None


def test_to_a_stranger_the_model_is_not_there(
    check: Callable[..., Any], charlie: User, model: Checkpoint, worker: list[Any]
) -> None:
    assert check(charlie, model, [PICTURE]).status_code == 404
    assert worker == []


_written: list[str] = []


def _note_what_is_opened_for_writing(event: str, details: tuple[object, ...]) -> None:
    if event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR):
        _written.append(str(details[0]))


@pytest.fixture(scope="module")
def _hook() -> None:
    """Python calls it for every file that is opened, by whatever means; it cannot be taken off."""
    sys.addaudithook(_note_what_is_opened_for_writing)


def test_pictures_come_as_files_of_a_form_and_reach_the_disk_sealed_only(
    send_form: Callable[..., Any], worker: list[Any], own_folder: Path, _hook: None
) -> None:
    large = PIXELS + bytes(4_000_000)  # more than Django keeps in memory
    _written.clear()
    answer = send_form(files(2, large), ["robin", "wren, jenny"])
    written = [path for path in _written if path.startswith(str(own_folder))]
    assert answer.status_code == 200, answer.content
    ((sealed, given),) = worker
    assert [picture["label"] for picture in given["pictures"]] == ["robin", "wren, jenny"]
    assert base64.b64decode(given["pictures"][0]["image"]) == large
    assert PIXELS not in sealed
    sealed_only = [path.startswith(f"{own_folder}/files/adaptations") for path in written]
    assert written and all(sealed_only), written


def test_a_form_of_a_page_needs_the_proof_that_it_comes_from_us(
    alice: User, model: Checkpoint, worker: list[Any]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    url = f"/api/v1/checkpoints/{model.pk}/check/"
    body = {"pictures": files(1), "labels": ["robin"]}
    assert client.post(url, body).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    body = {"pictures": files(1), "labels": ["robin"]}
    answer = client.post(url, body, headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 200, answer.content
    assert base64.b64decode(worker[0][1]["pictures"][0]["image"]) == PIXELS


@pytest.mark.parametrize(
    ("count", "labels", "field", "sentence"),
    [
        (2, ["robin"], "labels", "there are 2 pictures and 1 labels"),
        (0, [], "pictures", "1 to 50 pictures"),
        (51, ["robin"] * 51, "pictures", "at most 50 pictures"),
        (120, ["robin"] * 120, "pictures", "at most 50 pictures"),
        (1, ["owl"], "pictures", "no class “owl”"),
    ],
)
def test_a_form_that_cannot_be_used_says_why(
    send_form: Callable[..., Any],
    worker: list[Any],
    count: int,
    labels: list[Any],
    field: str,
    sentence: str,
) -> None:
    answer = send_form(files(count), labels)
    assert answer.status_code == 400, answer.content
    assert any(sentence in text for text in answer.json()["errors"][field])
    assert worker == []


def test_text_in_the_place_of_files_is_refused(
    send_form: Callable[..., Any], worker: list[Any]
) -> None:
    answer = send_form(["words"], ["robin"])
    assert answer.status_code == 400 and "files themselves" in str(answer.json()["errors"])


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        (None, "null"),
        ([], "1 to 50 pictures"),
        ([PICTURE] * 51, "at most 50 pictures"),
        ([{"label": "robin"}], "Entry 1, image"),
        ([{"label": "robin", "image": "?!"}], "base64"),
        ([{"image": PICTURE["image"]}], "Entry 1, label"),
        ([{**PICTURE, "label": "owl"}], "no class “owl”"),
    ],
)
def test_a_bad_request_names_what_is_wrong_and_stores_nothing(
    check: Callable[..., Any],
    alice: User,
    model: Checkpoint,
    worker: list[Any],
    stored: Callable[..., Any],
    pictures: list[Any] | None,
    sentence: str,
) -> None:
    answer = check(alice, model, pictures)
    assert answer.status_code == 400, answer.content
    assert any(sentence in text for text in answer.json()["errors"]["pictures"])
    assert worker == [] and stored("adaptations") == []


def test_pictures_that_are_too_large_are_413_in_both_shapes(
    check: Callable[..., Any],
    send_form: Callable[..., Any],
    alice: User,
    model: Checkpoint,
    settings: Settings,
) -> None:
    settings.MAX_BODY_BYTES = 100
    assert check(alice, model, [PICTURE] * 10).status_code == 413
    answer = send_form(files(2, bytes(200)), ["robin"] * 2)
    assert answer.status_code == 413 and "fewer or smaller pictures" in answer.json()["detail"]


def test_a_picture_that_a_worker_cannot_read_is_400_with_its_sentence(
    check: Callable[..., Any],
    alice: User,
    model: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    stored: Callable[..., Any],
) -> None:
    def refuse(task: Task, *, session_id: str) -> None:
        said = {"detail": "Picture 1 of “robin” cannot be read; use a whole PNG file."}
        session = session_claim(session_id=session_id)
        assert session is not None
        session_answer(session=session, state=SessionState.REFUSED, answer=said)

    monkeypatch.setattr("marketplace.adaptation.sessions.enqueue", refuse)
    answer = check(alice, model, [PICTURE])
    assert answer.status_code == 400 and "Picture 1 of “robin”" in answer.json()["detail"]
    assert not AdaptationSession.objects.exists() and stored("adaptations") == []
    assert Checkpoint.objects.get(pk=model.pk).checked_at is None


def test_a_model_that_is_not_valid_is_409(
    check: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any], worker: list[Any]
) -> None:
    row = make_checkpoint(state=CheckpointState.REJECTED)
    answer = check(alice, row, [PICTURE])
    assert answer.status_code == 409 and "only a valid one" in answer.json()["detail"]


def test_a_third_request_at_once_is_429(
    check: Callable[..., Any], alice: User, model: Checkpoint, worker: list[Any]
) -> None:
    for _ in range(2):
        AdaptationSession.objects.create(checkpoint=model, user=alice)
    answer = check(alice, model, [PICTURE])
    assert (answer.status_code, answer["Retry-After"]) == (429, "10")


def test_a_worker_that_dies_midway_is_503_and_the_model_stays_as_it_was(
    check: Callable[..., Any],
    alice: User,
    model: Checkpoint,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    stored: Callable[..., Any],
) -> None:
    settings.ADAPTATION_TIMEOUT_S = 0.05
    monkeypatch.setattr(
        "marketplace.adaptation.sessions.enqueue",
        lambda task, session_id: session_claim(session_id=session_id),
    )
    assert check(alice, model, [PICTURE]).status_code == 503
    assert not AdaptationSession.objects.exists() and stored("adaptations") == []
    row = Checkpoint.objects.get(pk=model.pk)
    assert (row.state, row.checked_at) == (CheckpointState.VALID, None)


def test_the_list_is_narrowed_down_to_what_is_checked(
    check: Callable[..., Any],
    client_of: Callable[..., Any],
    alice: User,
    model: Checkpoint,
    make_checkpoint: Callable[..., Any],
    worker: list[Any],
) -> None:
    make_checkpoint("other")
    check(alice, model, [PICTURE])
    for query, names in (("checked=true", {"birds"}), ("checked=false", {"other"})):
        rows = client_of(alice).get(f"/api/v1/checkpoints/?{query}").json()["results"]
        assert {row["name"] for row in rows} == names
