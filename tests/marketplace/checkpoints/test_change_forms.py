"""The page of a refused model: its form, one click for each candidate; and the page for changes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job

S = CheckpointState
READING = {
    "told_by": "tensors",
    "guessed": True,
    "candidates": ["conv4"],
    "weights": "ema",
    "other_weights": ["raw"],
    "left_out": [],
}


def tomorrow() -> datetime:
    return timezone.now() + timedelta(hours=23)


@pytest.fixture
def rejected(make_checkpoint: Callable[..., Any]) -> Checkpoint:
    """Two names for three outputs, or any of ten architectures."""
    candidates = [f"timm/net{index}" for index in range(10)]
    return make_checkpoint(
        class_names=['a "b"', "c, d"],
        state=S.REJECTED,
        reason="The model has 3 outputs.",
        reading={"candidates": candidates},
        original_until=tomorrow(),
    )


@pytest.fixture
def as_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def url(name: str, row: Checkpoint) -> str:
    return reverse(f"checkpoint_{name}", args=[row.pk])


def test_the_page_has_what_was_said_and_a_button_for_each_candidate(
    as_alice: Client, rejected: Checkpoint
) -> None:
    text = as_alice.get(url("detail", rejected)).content.decode()
    assert "The model has 3 outputs." in text and "Fix it here" in text
    assert "a &quot;b&quot;\nc, d</textarea>" in text
    assert text.count("Read it as timm/net") == 10
    assert "2 more</summary>" in text


def test_one_click_reads_it_as_a_candidate_and_leaves_the_rest_as_it_was(
    as_alice: Client, rejected: Checkpoint
) -> None:
    answer: Any = as_alice.post(url("fix", rejected), {"architecture": "timm/net3"})
    assert (answer.status_code, answer.url) == (302, url("detail", rejected))
    row = Checkpoint.objects.get()
    assert (row.state, row.architecture) == (S.UPLOADED, "timm/net3")
    assert row.class_names == ['a "b"', "c, d"] and row.mean == [0.5] * 3


def test_one_edit_of_the_names_is_enough(as_alice: Client, rejected: Checkpoint) -> None:
    answer = as_alice.post(url("fix", rejected), {"class_names": "wren\r\nowl\r\njay"})
    assert answer.status_code == 302
    row = Checkpoint.objects.get()
    assert (row.state, row.class_names) == (S.UPLOADED, ["wren", "owl", "jay"])


@pytest.mark.parametrize(
    ("said", "words"),
    [({"class_names": "wren\nwren"}, "is listed twice"), ({"mean": "a"}, "Give numbers")],
)
def test_what_is_wrong_stands_beside_its_field(
    as_alice: Client, rejected: Checkpoint, said: dict[str, str], words: str
) -> None:
    answer = as_alice.post(url("fix", rejected), said)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert Checkpoint.objects.get().state == S.REJECTED


def test_after_a_day_the_page_says_to_upload_again(as_alice: Client, rejected: Checkpoint) -> None:
    Checkpoint.objects.update(original_until=timezone.now() - timedelta(seconds=1))
    text = as_alice.get(url("detail", rejected)).content.decode()
    assert "Fix it here" not in text and "Read it as" not in text
    assert "no longer kept; upload it again" in text
    answer = as_alice.post(url("fix", rejected), {"architecture": "timm/net3"})
    assert answer.status_code == 302 and Checkpoint.objects.get().state == S.REJECTED


def test_nobody_else_fixes_a_model(
    client: Client, bob: User, charlie: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(reading=READING, original_until=tomorrow(), **shared.team)
    for person, seen in ((bob, 200), (charlie, 404)):
        client.force_login(person)
        assert client.post(url("fix", row), {"weights": "raw"}).status_code == 404
        page = client.get(url("detail", row))
        assert page.status_code == seen and "instead</button>" not in page.content.decode()
    assert Checkpoint.objects.get().state == S.VALID


def test_the_owner_switches_between_averaged_and_raw_weights(
    as_alice: Client, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(reading=READING, original_until=tomorrow())
    assert "Use the raw weights instead" in as_alice.get(url("detail", row)).content.decode()
    assert as_alice.post(url("fix", row), {"weights": "raw"}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.pending) == (S.UPLOADED, {"weights": "raw"})


def test_after_a_day_the_switch_says_to_upload_again(
    as_alice: Client, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(reading=READING, original_until=timezone.now())
    text = as_alice.get(url("detail", row)).content.decode()
    assert "instead</button>" not in text
    assert "upload it again to change its architecture or weights" in text


def test_a_refused_change_is_told_to_the_owner_alone_and_can_be_said_again(
    client: Client, alice: User, charlie: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(reason="Name 3.", pending={"class_names": ["x", "y"]}, **shared.public)
    client.force_login(charlie)
    assert "Name 3." not in client.get(url("detail", row)).content.decode()
    client.force_login(alice)
    assert "Your last change was refused" in client.get(url("detail", row)).content.decode()
    text = client.get(url("edit", row)).content.decode()
    assert "This was refused: Name 3." in text and "\nx\ny</textarea>" in text
    said = {"licence": "mit", "visibility": "public", "class_names": "x\ny\nz"}
    assert client.post(url("edit", row), said).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.pending) == (S.UPLOADED, {"class_names": ["x", "y", "z"]})


def test_saving_the_page_as_it_is_changes_nothing_that_a_worker_checks(
    as_alice: Client, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(class_names=['a "b"', "'c'", "d"], mean=[0.1, 1e-7, 0.3])
    page = as_alice.get(url("edit", row))
    form = page.context["form"]
    said = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    said = {name: value for name, value in said.items() if value is not False}
    assert as_alice.post(url("edit", row), said).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.pending, row.class_names[0]) == (S.VALID, {}, 'a "b"')


def test_of_a_model_that_a_job_has_used_the_rest_can_still_be_changed(
    as_alice: Client, job: Job
) -> None:
    row = job.pool.checkpoints.first()
    assert row is not None
    text = as_alice.get(url("edit", row)).content.decode()
    assert "A job has used this model" in text and "disabled" in text
    said = {"licence": "mit", "visibility": "private", "name": "new", "class_names": "x\ny\nz"}
    assert as_alice.post(url("edit", row), said).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.state, "x" in row.class_names) == ("new", S.VALID, False)


def test_while_a_change_is_checked_the_page_says_so(
    as_alice: Client, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(state=S.UPLOADED, size_bytes=7, pending={"image_size": 16})
    assert "A worker is checking your change" in as_alice.get(url("detail", row)).content.decode()
    assert 'value="16"' in as_alice.get(url("edit", row)).content.decode()
