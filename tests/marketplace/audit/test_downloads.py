"""Which downloads are in the log."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.learners.models import MetaLearner


@pytest.fixture
def where(client: Client, alice: User, make_checkpoint: Callable[..., Any]) -> str:
    """A model's file, for Alice, who is signed in."""
    client.force_login(alice)
    return reverse("checkpoint_download", args=[make_checkpoint(content=b"0123456789").pk])


def recorded(act: str = "model.downloaded") -> int:
    """How many downloads there were, as the log says."""
    return Record.objects.filter(act=act).count()


@pytest.mark.parametrize("part", ["bytes=1-", "bytes=-9", "bytes=4-6", "bytes=0-0"])
def test_any_part_of_a_file_is_a_download(client: Client, where: str, part: str) -> None:
    assert client.get(where, headers={"Range": part}).status_code == 206
    assert recorded() == 1


def test_nothing_is_recorded_when_nothing_is_sent(client: Client, where: str) -> None:
    assert client.head(where).status_code == 200
    assert client.get(where, headers={"Range": "bytes=90-99"}).status_code == 416
    assert client.get(where, headers={"If-None-Match": "*"}).status_code == 304
    assert recorded() == 0


def test_a_download_in_many_pieces_is_one_record_an_hour(
    client: Client, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(10):
        client.get(where, headers={"Range": f"bytes={first}-{first}"})
    assert recorded() == 1
    later = timezone.now() + timedelta(minutes=61)
    monkeypatch.setattr(timezone, "now", lambda: later)
    client.get(where)
    assert recorded() == 2


def test_from_another_place_it_is_another_record(client: Client, where: str) -> None:
    client.get(where, REMOTE_ADDR="192.0.2.1")
    client.get(where, REMOTE_ADDR="192.0.2.2")
    assert recorded() == 2


def test_another_file_of_the_same_meta_learner_is_another_download(
    client_of: Callable[..., Any], alice: User, learner: MetaLearner
) -> None:
    client = client_of(alice)
    for path in ("config.json", "model.safetensors", "config.json"):
        answer = client.get(f"/api/v1/learners/{learner.pk}/files/{path}")
        assert answer.status_code == 200
    client.get(f"/api/v1/learners/{learner.pk}/download/")
    client.head(f"/api/v1/learners/{learner.pk}/download/")
    found = Record.objects.filter(act="learner.downloaded").order_by("number")
    files = [row.details.get("file") for row in found]
    assert files == ["config.json", "model.safetensors", None]
