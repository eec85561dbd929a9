"""Reads about uploads."""

from django.db.models import QuerySet
from django.utils import timezone

from marketplace.accounts.selectors import Person
from marketplace.uploads.models import Upload


def uploads_of(user: Person) -> "QuerySet[Upload]":
    """The uploads in pieces that this person has begun, unless they were abandoned."""
    if not user.is_authenticated:
        return Upload.objects.none()
    return Upload.objects.select_related("team").filter(owner=user, expires_at__gt=timezone.now())
