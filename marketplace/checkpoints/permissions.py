from marketplace.accounts.selectors import Person
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState


def can_edit_checkpoint(user: Person, checkpoint: Checkpoint) -> bool:
    return bool(user.is_authenticated and checkpoint.owner_id == user.pk)


def can_download_checkpoint(user: Person, checkpoint: Checkpoint) -> bool:
    """Return whether the file is available. The user must be able to see the model."""
    return checkpoint.state == CheckpointState.VALID and not checkpoint.is_quarantined


def can_pool_checkpoint(user: Person, checkpoint: Checkpoint) -> bool:
    """Require the owner's consent to recovery, even from the owner."""
    return can_download_checkpoint(user, checkpoint) and checkpoint.consent_recovery
