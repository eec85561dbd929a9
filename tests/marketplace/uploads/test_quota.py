"""How much a person may still upload."""

from collections.abc import Callable
from typing import Any

from marketplace.accounts.models import User
from marketplace.uploads.quota import storage_used_by


def test_a_file_counts_once_before_and_after_validation_and_not_once_it_is_rejected(
    make_checkpoint: Callable[..., Any], alice: User, charlie: User
) -> None:
    assert storage_used_by(alice) == 0
    make_checkpoint(content=b"x" * 10)
    make_checkpoint(upload_bytes=7, size_bytes=0, state="uploaded")
    make_checkpoint(owner=charlie, content=b"x" * 100)
    make_checkpoint(upload_bytes=1000, size_bytes=0, state="rejected")
    assert storage_used_by(alice) == 17
