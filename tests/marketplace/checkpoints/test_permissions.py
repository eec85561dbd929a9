"""Who may do what with a model."""

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_pool_checkpoint
from marketplace.checkpoints.selectors import (
    checkpoints_visible_to,
)


def test_without_consent_a_model_is_visible_but_cannot_enter_a_pool(
    models: dict[str, Checkpoint], charlie: User
) -> None:
    assert can_pool_checkpoint(charlie, checkpoints_visible_to(charlie).get())
    Checkpoint.objects.update(consent_recovery=False)
    (public,) = checkpoints_visible_to(charlie)
    assert public.name == "public" and not can_pool_checkpoint(charlie, public)
