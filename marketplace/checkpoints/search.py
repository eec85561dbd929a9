"""The catalogue: finding checkpoints among ten thousand."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from marketplace.accounts.selectors import Person
from marketplace.algorithms.selectors import architectures_published
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_listed_for

SORTS = {
    "newest": ("Newest first", ["-created_at", "-id"]),
    "name": ("Name", ["name", "id"]),
    "classes": ("Most classes", ["-n_classes", "-created_at"]),
    "size": ("Smallest file", ["size_bytes", "-created_at"]),
}
SIZES = {
    "tiny": ("Under 5 million numbers", (0, 5_000_000)),
    "small": ("5 to 25 million", (5_000_000, 25_000_000)),
    "medium": ("25 to 90 million", (25_000_000, 90_000_000)),
    "large": ("Over 90 million", (90_000_000, 2**62)),
}
"""Kinds of size, each with its title and its bounds: as large as the first, below the second."""
LISTED_FIELDS = [
    "name",
    "architecture",
    "dataset",
    "licence",
    "class_names",
    "n_classes",
    "image_size",
    "channels",
    "consent_recovery",
    "consent_preview",
    "visibility",
    "state",
    "reading",
    "quarantined_at",
    "checked_at",
    "checked_pictures",
    "checked_right",
    "size_bytes",
    "created_at",
    "owner__username",
]
_LISTS_KEPT_S = 60


def checkpoints_search(user: Person, filters: Mapping[str, Any]) -> "QuerySet[Checkpoint]":
    """The checkpoints this person may see that match; only the fields that lists show are read.

    `filters` may hold text, architecture, dataset, licence, channels, size (of `SIZES`), consent
    ("recovery" or "preview"), checked ("yes" or "no"), mine and sort; what is missing or empty does
    not filter.
    """
    rows = checkpoints_listed_for(user).select_related(None).select_related("owner")
    for field in ("architecture", "dataset", "licence", "channels"):
        if value := filters.get(field):
            rows = rows.filter(**{field: value})
    if size := filters.get("size"):
        _, (least, below) = SIZES[size]
        rows = rows.filter(n_parameters__gte=least, n_parameters__lt=below)
    if consent := filters.get("consent"):
        rows = rows.filter(**{f"consent_{consent}": True})
    if checked := filters.get("checked"):
        rows = rows.filter(checked_at__isnull=checked == "no")
    if filters.get("mine"):
        rows = rows.filter(owner_id=user.pk)
    for word in str(filters.get("text") or "").split():
        rows = _containing(rows, word)
    _, order = SORTS.get(str(filters.get("sort") or "newest"), SORTS["newest"])
    return rows.order_by(*order).only(*LISTED_FIELDS)


def _containing(rows: "QuerySet[Checkpoint]", word: str) -> "QuerySet[Checkpoint]":
    """Rows with the word in name, description, data set or a class name."""
    # SQLite keeps JSON with other letters escaped, PostgreSQL as they are; look for both.
    escaped = json.dumps(word)[1:-1]
    names = Q(class_text__icontains=word) | Q(class_text__icontains=escaped)
    return rows.alias(class_text=Cast("class_names", TextField())).filter(
        names
        | Q(name__icontains=word)
        | Q(description__icontains=word)
        | Q(dataset__icontains=word)
    )


def architectures_listed(user: Person) -> list[tuple[str, str]]:
    """Names and titles of the architectures of these checkpoints, at most a minute old."""
    key = f"architectures:{user.pk or 'anybody'}"
    known: list[tuple[str, str]] | None = cache.get(key)
    if known is None:
        rows = checkpoints_listed_for(user).exclude(architecture="").order_by()
        names = set(rows.values_list("architecture", flat=True).distinct())
        titles = dict(architectures_published().filter(name__in=names).values_list("name", "title"))
        order = {name: place for place, name in enumerate(titles)}
        known = [
            (name, titles.get(name, name))
            for name in sorted(names, key=lambda name: (order.get(name, len(order)), name))
        ]
        cache.set(key, known, _LISTS_KEPT_S)
    return [(name, title) for name, title in known]


def datasets_listed(user: Person) -> list[str]:
    """The data sets of the checkpoints this person may see, at most a minute old."""
    key = f"datasets:{user.pk or 'anybody'}"
    known: list[str] | None = cache.get(key)
    if known is None:
        rows = checkpoints_listed_for(user).exclude(dataset="").order_by("dataset")
        known = list(rows.values_list("dataset", flat=True).distinct()[:200])
        cache.set(key, known, _LISTS_KEPT_S)
    return known
