"""What is said about a model, and an upload of it."""

from dataclasses import replace
from typing import Any

from django.core.files.base import ContentFile

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_upload

DRAFT = CheckpointDraft(
    name="  Garden   birds ",
    class_names=("robin", " wren "),
    image_size=32,
    channels=3,
    mean=(0.5,) * 3,
    std=(0.25,) * 3,
    licence="mit",
    consent_recovery=True,
)


def uploaded(owner: User, content: bytes = b"tensors", **changes: Any) -> Checkpoint:
    """An upload of this content."""
    return checkpoint_upload(
        owner=owner, draft=replace(DRAFT, **changes), file=ContentFile(content, name="m.pt")
    )
