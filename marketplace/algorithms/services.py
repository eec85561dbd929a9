"""Publication of the catalogue, and validation of settings against it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from contract.settings import PRESET, parse_setting
from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec
from marketplace.core.errors import DomainError


@transaction.atomic
def catalogue_publish(
    *,
    algorithms: Iterable[Mapping[str, Any]],
    architectures: Iterable[Mapping[str, Any]],
    version: str,
) -> None:
    """Replace the catalogue. Architectures keep the given order. Only changed rows are written."""
    _publish(AlgorithmSpec, [{**row, "version": version} for row in algorithms])
    _publish(ArchitectureSpec, [{**row, "position": at} for at, row in enumerate(architectures)])


def _publish(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    wanted = {row["name"]: dict(row) for row in rows}
    specs = model._default_manager
    there = {row["name"]: row for row in specs.values()}
    new = [row for name, row in wanted.items() if not _says(there.get(name), row)]
    if new:
        # Another worker may publish the same rows at the same time.
        specs.bulk_create(
            [model(**row) for row in new],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=[*(name for name in new[0] if name != "name"), "published_at"],
        )
    if gone := there.keys() - wanted.keys():
        specs.filter(name__in=gone).delete()


def _says(there: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
    return there is not None and all(there[name] == value for name, value in row.items())


def architecture_check(said: str) -> str:
    """Return the architecture's current name. Raise ValueError with a hint if it is unknown.

    Until a worker has published its list, every name passes. The worker decides then.
    """
    name = said.strip()
    if name.startswith("tv_"):
        name = name.replace("tv_", "torchvision/", 1)
    published = ArchitectureSpec.objects.all()
    if not name or published.filter(name=name).exists() or not published.exists():
        return name
    part = name.rpartition("/")[2]
    ends = published.filter(Q(name=part) | Q(name__iendswith=f"/{part}"))
    like = list((ends or published.filter(name__icontains=part)).values_list("name", flat=True)[:5])
    hint = f"choose {' or '.join(like)}" if like else "choose one of the list"
    raise ValueError(
        f"No architecture “{name[:60]}” is known here; {hint}, or leave the field empty."
    )


def settings_check(*, spec: AlgorithmSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of a run, completed from its preset. Raise DomainError if any is
    wrong."""
    known = {setting["name"]: setting for setting in spec.settings}
    wrong = {
        name: f"{spec.title} has no such setting; it has {', '.join(known)}."
        for name in values
        if name not in known
    }
    beneath = spec.preset_values(values.get(PRESET))
    result = {}
    for name, setting in known.items():
        try:
            result[name] = parse_setting(setting, values.get(name, beneath[name]))
        except ValueError as error:
            wrong[name] = f"This {error}"
    if wrong:
        raise DomainError("Some settings cannot be used; see each of them.", fields=wrong)
    return result
