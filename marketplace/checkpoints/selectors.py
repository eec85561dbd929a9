"""Reads about checkpoints."""

from django.db.models import Q, QuerySet, Sum

from marketplace.accounts.models import User
from marketplace.accounts.selectors import Person, editable_by, visible_to
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState


def checkpoints_visible_to(user: Person) -> "QuerySet[Checkpoint]":
    """Their own in every state; other people's once they are valid."""
    rows = visible_to(Checkpoint.objects.select_related("owner", "team"), user)
    mine = Q(owner=user) if user.is_authenticated else Q(pk__in=[])
    return rows.filter(Q(state=CheckpointState.VALID) | mine)


def checkpoints_editable_by(user: Person) -> "QuerySet[Checkpoint]":
    """The ones this person may change."""
    return editable_by(Checkpoint.objects.select_related("owner", "team"), user)


def checkpoints_poolable_by(user: Person) -> "QuerySet[Checkpoint]":
    """The ones this person may put into a pool: visible, valid, with consent to recovery."""
    return checkpoints_visible_to(user).filter(state=CheckpointState.VALID, consent_recovery=True)


def storage_used_by(user: User) -> int:
    """Bytes of all checkpoints of this person."""
    used = Checkpoint.objects.filter(owner=user).aggregate(
        stored=Sum("size_bytes"), waiting=Sum("upload_bytes", filter=Q(size_bytes=0))
    )
    return (used["stored"] or 0) + (used["waiting"] or 0)
