"""Checks with pictures: count the labelled pictures that a model gets right."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.accounts.models import User
from marketplace.adaptation.sessions import Asked, session_run
from marketplace.audit.states import Act
from marketplace.checkpoints.checked import MAX_PICTURES, checkpoint_checked
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_download_checkpoint, can_edit_checkpoint
from marketplace.checkpoints.score import Score
from marketplace.core.errors import Conflict, DomainError

_MOST_NAMED = 5


def check_run(
    *, user: User, checkpoint: Checkpoint, pictures: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Have a worker label the pictures with the model, and wait for the answer.

    `pictures` are [{"label", "image"}] with class names of the model and base64 files. Only the
    owner's result is recorded, and only if the model is unchanged by then.
    """
    _check_request(checkpoint=checkpoint, user=user, pictures=pictures)
    answer = session_run(
        user=user,
        asked=Asked(checkpoint, Act.MODEL_CHECKED, {"pictures": len(pictures)}),
        payload={"pictures": list(pictures)},
    )
    read_as = answer.pop("read_as")
    right, n_pictures = answer["n_right"], answer["n_pictures"]
    recorded = can_edit_checkpoint(user, checkpoint) and checkpoint_checked(
        checkpoint=checkpoint, read_as=read_as, right=right, pictures=n_pictures
    )
    score = Score(right, n_pictures, len(checkpoint.class_names))
    return {**answer, "summary": str(score), "advice": score.advice, "recorded": recorded}


def _check_request(
    *, checkpoint: Checkpoint, user: User, pictures: Sequence[Mapping[str, str]]
) -> None:
    if not can_download_checkpoint(user, checkpoint):
        state = "in quarantine" if checkpoint.is_quarantined else checkpoint.state
        raise Conflict(f"This model is {state}; only a valid one can be checked with pictures.")
    if not 1 <= len(pictures) <= MAX_PICTURES:
        _refuse(f"Give 1 to {MAX_PICTURES} pictures at a time; there are {len(pictures)}.")
    known = set(checkpoint.class_names)
    labels = dict.fromkeys(picture["label"] for picture in pictures)
    if unknown := [label for label in labels if label not in known]:
        named = ", ".join(f"“{label}”" for label in unknown[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        _refuse(f"The model has no class {named}{more}; label pictures with its own classes.")


def _refuse(message: str) -> None:
    raise DomainError(message, fields={"pictures": message})
