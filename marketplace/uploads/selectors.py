from django.db.models import QuerySet
from django.utils import timezone

from marketplace.accounts.selectors import Person
from marketplace.uploads.models import Upload


def uploads_of(user: Person) -> "QuerySet[Upload]":
    """Return this user's uploads in pieces, except abandoned ones."""
    if not user.is_authenticated:
        return Upload.objects.none()
    return Upload.objects.select_related("team").filter(owner=user, expires_at__gt=timezone.now())
