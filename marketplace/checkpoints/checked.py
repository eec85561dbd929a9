"""The check with pictures: how many of its owner's labelled pictures a model gets right.

It finds out what no tensor tells: a wrong architecture, size, normalisation or order of classes.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState

MAX_PICTURES = 50
NOT_CHECKED: dict[str, Any] = {
    "checked_at": None,
    "checked_pictures": 0,
    "checked_right": 0,
    "checked_as": {},
}
_READ = ("architecture", "fingerprint", "image_size", "channels", "mean", "std")
_BY_CHANCE = 0.05
_WHAT_TO_CHECK = (
    "Check its architecture, input size, mean and standard deviation, and whether the class names "
    "stand in the order of its outputs."
)


@dataclass(frozen=True)
class Score:
    """How many pictures were right, and of how many classes the model had to choose."""

    right: int
    pictures: int
    classes: int

    def __str__(self) -> str:
        return f"{self.right} of {self.pictures} {_pictures(self.pictures)} right"

    @property
    def is_doubtful(self) -> bool:
        """Whether fewer than half were right."""
        return 2 * self.right < self.pictures

    @property
    def could_be_chance(self) -> bool:
        """Whether guessing among all classes does as well, more often than one time in twenty."""
        return _at_least(self.right, self.pictures, 1 / max(1, self.classes)) > _BY_CHANCE

    @property
    def advice(self) -> str:
        """What to look at when the model does badly; empty when it does not."""
        if not self.is_doubtful:
            return ""
        if self.could_be_chance:
            return f"That is no better than guessing. {_WHAT_TO_CHECK}"
        return f"That is fewer than half. If it should do better: {_lowered(_WHAT_TO_CHECK)}"


def score_of(checkpoint: Checkpoint) -> Score | None:
    """The owner's last check of the model as it is read now; None when there is none."""
    if checkpoint.checked_at is None:
        return None
    return Score(checkpoint.checked_right, checkpoint.checked_pictures, len(checkpoint.class_names))


def read_as_now(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that decides what the model says of a picture; `fingerprint` stands for the weights."""
    names = json.dumps(checkpoint.class_names).encode()
    read = {name: getattr(checkpoint, name) for name in _READ}
    return {
        **read,
        "weights": checkpoint.reading.get("weights", ""),
        "classes": hashlib.sha256(names).hexdigest(),
    }


def is_read_otherwise(checkpoint: Checkpoint, changes: Mapping[str, Any]) -> bool:
    """Whether the changes make it another model than the one that was checked."""
    if checkpoint.checked_at is None:
        return False
    changed = copy(checkpoint)
    for name, value in changes.items():
        setattr(changed, name, value)
    return bool(read_as_now(changed) != checkpoint.checked_as)


@transaction.atomic
def checkpoint_checked(
    *, checkpoint: Checkpoint, read_as: Mapping[str, Any], right: int, pictures: int
) -> bool:
    """Keep the result on the row; False when the model is no longer what the worker looked at."""
    row = Checkpoint.objects.select_for_update().filter(pk=checkpoint.pk).first()
    if row is None or row.state != CheckpointState.VALID or read_as_now(row) != read_as:
        return False
    row.checked_at, row.checked_as = timezone.now(), dict(read_as)
    row.checked_right, row.checked_pictures = right, pictures
    row.save(update_fields=list(NOT_CHECKED))
    return True


def _at_least(right: int, pictures: int, chance: float) -> float:
    """The probability that guessing gets so many right, or more."""
    return sum(
        math.comb(pictures, n) * chance**n * (1 - chance) ** (pictures - n)
        for n in range(right, pictures + 1)
    )


def _pictures(count: int) -> str:
    return "picture" if count == 1 else "pictures"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
