"""The states of a checkpoint.

uploaded ----> validating ----> valid
   ^ ^             |  `-------> rejected
   | `-------------'   the worker died: the next one validates
   `-- valid, rejected: its owner changed what a worker checks

A deleted model that a job has used stays as a row that says only what the job's lineage needs
(`marketplace.checkpoints.deleting`). It can be reached from every state, and never left.
"""

from django.db import models


class CheckpointState(models.TextChoices):
    UPLOADED = "uploaded", "Waiting for validation"
    VALIDATING = "validating", "Being validated"
    VALID = "valid", "Valid"
    REJECTED = "rejected", "Rejected"
    DELETED = "deleted", "Deleted"


S = CheckpointState
MOVES: dict[CheckpointState, frozenset[CheckpointState]] = {
    S.UPLOADED: frozenset({S.VALIDATING, S.DELETED}),
    S.VALIDATING: frozenset({S.VALID, S.REJECTED, S.UPLOADED, S.DELETED}),
    S.VALID: frozenset({S.UPLOADED, S.DELETED}),
    S.REJECTED: frozenset({S.UPLOADED, S.DELETED}),
    S.DELETED: frozenset(),
}


def sources_of(to: CheckpointState) -> frozenset[CheckpointState]:
    """Return the states from which `to` can be reached in one transition."""
    return frozenset(source for source, targets in MOVES.items() if to in targets)
