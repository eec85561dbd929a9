"""An upload that was sent twice is one model."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.checkpoints import services
from marketplace.checkpoints.clock import checkpoints_tick
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_upload
from marketplace.core.errors import Conflict

DRAFT = CheckpointDraft(
    name="birds",
    class_names=("robin", "wren"),
    image_size=32,
    channels=3,
    mean=(0.5,) * 3,
    std=(0.25,) * 3,
    licence="mit",
)


def uploaded(
    owner: User, content: bytes = b"tensors", key: str = "k", **changes: Any
) -> Checkpoint:
    return checkpoint_upload(
        owner=owner,
        draft=replace(DRAFT, **changes),
        file=ContentFile(content, name="m.pt"),
        idempotency_key=key,
    )


def test_the_same_key_gives_the_same_model_and_keeps_one_file(
    alice: User, stored: Callable[..., Any]
) -> None:
    first = uploaded(alice)
    assert uploaded(alice) == first
    assert Checkpoint.objects.count() == 1
    assert len(stored()) == 1


@pytest.mark.parametrize("other", [{"content": b"other"}, {"name": "owls"}, {"licence": "cc0-1.0"}])
def test_another_request_with_the_same_key_is_refused(
    alice: User, stored: Callable[..., Any], other: dict[str, Any]
) -> None:
    uploaded(alice)
    with pytest.raises(Conflict, match="Idempotency-Key"):
        uploaded(alice, **other)
    assert len(stored()) == 1


def test_a_key_is_its_persons_own(alice: User, bob: User, stored: Callable[..., Any]) -> None:
    assert uploaded(alice) != uploaded(bob)


def test_without_a_key_every_upload_is_a_model(alice: User, stored: Callable[..., Any]) -> None:
    assert uploaded(alice, key="") != uploaded(alice, key="")


def test_of_two_uploads_at_the_same_moment_one_makes_the_model(
    alice: User, stored: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = services.store_received
    first = []

    def meanwhile(key: str, file: Any) -> None:
        monkeypatch.setattr(services, "store_received", store)
        first.append(uploaded(alice))
        store(key, file)

    monkeypatch.setattr(services, "store_received", meanwhile)
    assert [uploaded(alice)] == first
    assert len(stored()) == 1


def test_a_key_is_kept_for_a_day(alice: User, stored: Callable[..., Any]) -> None:
    first = uploaded(alice)
    checkpoints_tick()
    assert uploaded(alice) == first
    Checkpoint.objects.update(created_at=timezone.now() - timedelta(hours=25))
    checkpoints_tick()
    assert uploaded(alice, content=b"other") != first
