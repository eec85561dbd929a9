"""A row is held as it is now, not as it was read."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import Conflict

WHY = "It was trained on pictures of people."


def test_who_has_read_the_model_before_can_neither_change_nor_delete_it(
    make_checkpoint: Callable[..., Any], sam: User, alice: User
) -> None:
    stale = make_checkpoint("birds")
    row = checkpoint_quarantine(checkpoint=Checkpoint.objects.get(), by=sam, reason=WHY)
    with pytest.raises(Conflict, match=WHY):
        checkpoint_change(checkpoint=stale, by=alice, values={"description": "harmless"})
    with pytest.raises(Conflict, match=WHY):
        checkpoint_delete(checkpoint=stale)
    checkpoint_release(checkpoint=row, by=sam)
    checkpoint_delete(checkpoint=stale)
    with pytest.raises(Conflict, match="just been deleted"):
        checkpoint_delete(checkpoint=row)
    assert Record.objects.filter(act="model.deleted").count() == 1
