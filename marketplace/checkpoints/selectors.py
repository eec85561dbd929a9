from django.db.models import Case, Q, QuerySet, Sum
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.accounts.permissions import can_operate
from marketplace.accounts.selectors import Person, editable_by, row_by_row, seen_by
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState


def checkpoints_visible_to(user: Person) -> "QuerySet[Checkpoint]":
    """Return own checkpoints in any state and other valid ones. Staff also see quarantined ones.

    No one sees deleted ones.
    """
    return Checkpoint.objects.select_related("owner", "team").filter(_visible(user))


def checkpoints_hidden_from(user: Person) -> "QuerySet[Checkpoint]":
    return Checkpoint.objects.exclude(_visible(user))


def _visible(user: Person) -> Case:
    mine = Q(owner_id=user.pk) if user.is_authenticated else Q(pk__in=[])
    usable = Q(state=CheckpointState.VALID, quarantined_at=None)
    allowed = seen_by(user) & (usable | mine)
    if can_operate(user):
        allowed |= Q(quarantined_at__isnull=False)
    return row_by_row(allowed & ~Q(state=CheckpointState.DELETED))


def checkpoints_listed_for(user: Person) -> "QuerySet[Checkpoint]":
    """Return the visible checkpoints for lists, which omit other people's quarantined ones."""
    mine = Q(owner_id=user.pk) if user.is_authenticated else Q(pk__in=[])
    return checkpoints_visible_to(user).filter(Q(quarantined_at=None) | mine)


def checkpoints_judged_by(user: Person) -> "QuerySet[Checkpoint]":
    """Return every checkpoint for staff, who may put any into quarantine; else the visible ones."""
    if can_operate(user):
        rows = Checkpoint.objects.exclude(state=CheckpointState.DELETED)
        return rows.select_related("owner", "team")
    return checkpoints_visible_to(user)


def checkpoints_editable_by(user: Person) -> "QuerySet[Checkpoint]":
    rows = Checkpoint.objects.exclude(state=CheckpointState.DELETED)
    return editable_by(rows.select_related("owner", "team"), user)


def checkpoint_last_of(user: User) -> Checkpoint | None:
    return checkpoints_editable_by(user).order_by("-created_at", "-id").first()


def checkpoints_usable_by(user: Person) -> "QuerySet[Checkpoint]":
    """Return the checkpoints whose file this user may download, or check with pictures."""
    return checkpoints_visible_to(user).filter(state=CheckpointState.VALID, quarantined_at=None)


def stored_bytes_of(user: User) -> int:
    """Return the bytes of a user's checkpoints, including the uploads that are still kept."""
    read_again = Q(original_until__gt=timezone.now()) | Q(
        original_until__isnull=False,
        state__in=[CheckpointState.UPLOADED, CheckpointState.VALIDATING],
    )
    unread = Q(size_bytes=0) & ~Q(state=CheckpointState.REJECTED)
    used = Checkpoint.objects.filter(owner=user).aggregate(
        stored=Sum("size_bytes"),
        waiting=Sum("upload_bytes", filter=unread | read_again),
    )
    return (used["stored"] or 0) + (used["waiting"] or 0)
