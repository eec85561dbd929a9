"""The states of a checkpoint.

uploaded ----> validating ----> valid
   ^ ^             |  `-------> rejected
   | `-------------'   the worker died: the next one validates
   `-- valid, rejected: its owner changed what a worker checks
"""

from django.db import models


class CheckpointState(models.TextChoices):
    """Where a checkpoint is on its way from upload to use."""

    UPLOADED = "uploaded", "Waiting for validation"
    VALIDATING = "validating", "Being validated"
    VALID = "valid", "Valid"
    REJECTED = "rejected", "Rejected"


S = CheckpointState
MOVES: dict[CheckpointState, frozenset[CheckpointState]] = {
    S.UPLOADED: frozenset({S.VALIDATING}),
    S.VALIDATING: frozenset({S.VALID, S.REJECTED, S.UPLOADED}),
    S.VALID: frozenset({S.UPLOADED}),
    S.REJECTED: frozenset({S.UPLOADED}),
}


def sources_of(to: CheckpointState) -> frozenset[CheckpointState]:
    """The states from which `to` can be reached in one move."""
    return frozenset(source for source, targets in MOVES.items() if to in targets)
