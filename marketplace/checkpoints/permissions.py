"""Who may do what with a checkpoint."""

from marketplace.accounts.selectors import Person
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState


def can_edit_checkpoint(user: Person, checkpoint: Checkpoint) -> bool:
    """Change its description, visibility and consent, or delete it."""
    return bool(user.is_authenticated and checkpoint.owner_id == user.pk)


def can_download_checkpoint(user: Person, checkpoint: Checkpoint) -> bool:
    """Everybody who sees it may have the file, once it is valid and unless it is in quarantine."""
    return checkpoint.state == CheckpointState.VALID and not checkpoint.is_quarantined


def can_pool_checkpoint(user: Person, checkpoint: Checkpoint) -> bool:
    """Only with the owner's consent to recovery, also for the owner."""
    return can_download_checkpoint(user, checkpoint) and checkpoint.consent_recovery
