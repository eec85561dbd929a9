"""Uploads of Alice, and a store that fails."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from marketplace.accounts.models import User
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.uploads import services
from marketplace.uploads.models import Upload
from tests.marketplace.checkpoints.uploading import DRAFT


@pytest.fixture
def begin(alice: User) -> Callable[..., Upload]:
    """An upload of Alice's."""

    def run(length: int, **changes: Any) -> Upload:
        return checkpoint_upload_begin(
            **{"owner": alice, "draft": DRAFT, "length": length, **changes}
        )

    return run


@pytest.fixture
def failing_store(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A store that fails to discard what is to go; how often it was asked."""
    asked = []

    def discard(pk: UUID, name: str) -> None:
        asked.append((pk, name))
        raise OSError("the object store failed")

    monkeypatch.setattr(services.growing_file, "discard", discard)
    return asked
