from collections.abc import Callable

from django.conf import settings
from django.db.models import Q, Sum

from marketplace.accounts.models import User
from marketplace.core.errors import DomainError, InsufficientStorage, TooLarge
from marketplace.uploads.models import Upload

_stored: list[Callable[[User], int]] = []


def count_stored_bytes(of: Callable[[User], int]) -> None:
    """Register a function that returns the bytes another app stores for a user."""
    _stored.append(of)


def storage_used_by(user: User) -> int:
    """Return the bytes that this user has stored, including the size of unfinished uploads."""
    without_row = Q(finished_at=None) | Q(held=True)
    coming = Upload.objects.filter(without_row, owner=user).aggregate(all=Sum("length"))
    return sum(of(user) for of in _stored) + (coming["all"] or 0)


def storage_left(user: User) -> int:
    allowed: int = settings.MAX_STORAGE_BYTES_PER_PERSON
    return max(0, allowed - storage_used_by(user))


def room_for_upload(user: User) -> tuple[int, DomainError]:
    """Return the maximum size of this user's next file, and the error for a larger one."""
    left = storage_left(user)
    if left < settings.MAX_CHECKPOINT_BYTES:
        return left, InsufficientStorage(
            "Your storage is full, or has no room for this file; delete a model, then upload again."
        )
    limit = settings.MAX_CHECKPOINT_BYTES / 2**20
    message = f"A checkpoint may have at most {limit:g} MiB here; ask your operator for more."
    return settings.MAX_CHECKPOINT_BYTES, TooLarge(message, fields={"file": message})


def check_room(user: User, n_bytes: int) -> None:
    """Raise DomainError if the user may not store a file of this size."""
    room, error = room_for_upload(user)
    if n_bytes > room:
        raise error


def disk_full() -> InsufficientStorage:
    return InsufficientStorage(
        "The file could not be stored; the disk may be full. Tell your operator, then try again."
    )
