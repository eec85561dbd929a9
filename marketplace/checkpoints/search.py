"""Search in the catalogue of checkpoints."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from marketplace.accounts.selectors import Person
from marketplace.algorithms.selectors import architectures_published
from marketplace.checkpoints.families import FAMILIES, family_of
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
"""Model sizes, each with its title, lower bound (inclusive) and upper bound (exclusive)."""
INPUTS = {
    "small": ("Up to 64 px", (1, 64)),
    "medium": ("65 to 192 px", (65, 192)),
    "usual": ("193 to 256 px", (193, 256)),
    "large": ("Over 256 px", (257, 2**15 - 1)),
}
"""Input sizes, each with its title and its smallest and largest height."""
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
_MOST_CLASSES = 8


def checkpoints_search(user: Person, filters: Mapping[str, Any]) -> "QuerySet[Checkpoint]":
    """Return the matching checkpoints that this user may see, with only the fields that lists show.

    `filters` may hold text, knows, family, architecture, dataset, licence, channels, input (of
    `INPUTS`), size (of `SIZES`), consent ("recovery" or "preview"), checked ("yes" or "no"), mine
    and sort. Missing or empty values do not filter.
    """
    rows = checkpoints_listed_for(user).select_related(None).select_related("owner")
    for field in ("family", "architecture", "dataset", "licence", "channels"):
        if value := filters.get(field):
            rows = rows.filter(**{field: value})
    rows = _of_a_kind(rows, filters)
    if filters.get("mine"):
        rows = rows.filter(owner_id=user.pk)
    for word in str(filters.get("text") or "").split():
        rows = with_class_text(rows).filter(says(word))
    rows = knowing(rows, str(filters.get("knows") or ""))
    _, order = SORTS.get(str(filters.get("sort") or "newest"), SORTS["newest"])
    return rows.order_by(*order).only(*LISTED_FIELDS)


def _of_a_kind(rows: "QuerySet[Checkpoint]", filters: Mapping[str, Any]) -> "QuerySet[Checkpoint]":
    if size := filters.get("size"):
        _, (least, below) = SIZES[size]
        rows = rows.filter(n_parameters__gte=least, n_parameters__lt=below)
    if input_size := filters.get("input"):
        rows = rows.filter(image_size__range=INPUTS[input_size][1])
    if consent := filters.get("consent"):
        rows = rows.filter(**{f"consent_{consent}": True})
    if checked := filters.get("checked"):
        rows = rows.filter(checked_at__isnull=checked == "no")
    return rows


def knowing(rows: "QuerySet[Checkpoint]", classes: str) -> "QuerySet[Checkpoint]":
    """Keep rows with a matching class name for each of the comma-separated parts."""
    for name in filter(None, map(str.strip, classes.split(",")[:_MOST_CLASSES])):
        rows = with_class_text(rows).filter(_has_class(name))
    return rows


def with_class_text(rows: "QuerySet[Checkpoint]") -> "QuerySet[Checkpoint]":
    """Annotate the rows so that `says` can search their class names as one text."""
    return rows.alias(class_text=Cast("class_names", TextField()))


def says(word: str) -> Q:
    """Match the word in name, description, data set and class names."""
    return (
        _has_class(word)
        | Q(name__icontains=word)
        | Q(description__icontains=word)
        | Q(dataset__icontains=word)
    )


def _has_class(text: str) -> Q:
    # SQLite stores JSON with non-ASCII letters escaped, PostgreSQL does not. Search for both.
    plain, escaped = (json.dumps(text, ensure_ascii=ascii)[1:-1] for ascii in (False, True))
    return Q(class_text__icontains=plain) | Q(class_text__icontains=escaped)


def architectures_listed(user: Person) -> list[tuple[str, str]]:
    """Return names and titles of the visible checkpoints' architectures, cached for a minute."""
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


def families_listed(user: Person) -> list[tuple[str, str]]:
    listed = {family_of(name) for name, _ in architectures_listed(user)}
    return [(name, title) for name, title in FAMILIES if name in listed]


def datasets_listed(user: Person) -> list[str]:
    """Return the data sets of the visible checkpoints, cached for a minute."""
    key = f"datasets:{user.pk or 'anybody'}"
    known: list[str] | None = cache.get(key)
    if known is None:
        rows = checkpoints_listed_for(user).exclude(dataset="").order_by("dataset")
        known = list(rows.values_list("dataset", flat=True).distinct()[:200])
        cache.set(key, known, _LISTS_KEPT_S)
    return known
