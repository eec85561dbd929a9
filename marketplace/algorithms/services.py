"""Publishing the catalogue, and checking settings against it."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec
from marketplace.algorithms.presets import PRESET, preset_values
from marketplace.core.errors import DomainError

MAX_CHOICE = 200
"""Characters of a choice that is none of those listed."""


@transaction.atomic
def catalogue_publish(
    *,
    algorithms: Iterable[Mapping[str, Any]],
    architectures: Iterable[Mapping[str, Any]],
    version: str,
) -> None:
    """Make the rows say what this worker can run; what it no longer knows goes.

    Architectures keep the order in which they are given. Only rows that differ are written.
    """
    _publish(AlgorithmSpec, [{**row, "version": version} for row in algorithms])
    _publish(ArchitectureSpec, [{**row, "position": at} for at, row in enumerate(architectures)])


def _publish(model: type[models.Model], rows: Iterable[Mapping[str, Any]]) -> None:
    wanted = {row["name"]: dict(row) for row in rows}
    specs = model._default_manager
    there = {row["name"]: row for row in specs.values()}
    new = [row for name, row in wanted.items() if not _says(there.get(name), row)]
    if new:
        # Another worker may publish the same at the same moment.
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
    """The architecture's name as it is written now; ValueError with a sentence if it is unknown.

    As long as no worker has published any, every name passes: the worker judges it.
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
    """All settings of a run; DomainError names every wrong field.

    What is left out is filled in from the preset that is named, or has its default.
    """
    known = {setting["name"]: setting for setting in spec.settings}
    wrong = {
        name: f"{spec.title} has no such setting; it has {', '.join(known)}."
        for name in values
        if name not in known
    }
    beneath = preset_values(spec, values.get(PRESET))
    result = {}
    for name, setting in known.items():
        try:
            result[name] = setting_parse(setting, values.get(name, beneath[name]))
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise DomainError("Some settings cannot be used; see each of them.", fields=wrong)
    return result


def setting_parse(setting: Mapping[str, Any], value: object) -> int | float | bool | str:
    """One value, of the kind its description asks for; ValueError with a sentence otherwise."""
    if setting["kind"] == "choice":
        return _parse_choice(setting, value)
    if setting["kind"] == "bool":
        if not isinstance(value, bool):
            raise ValueError("Say true or false.")
        return value
    return _parse_number(setting, value)


def _parse_choice(setting: Mapping[str, Any], value: object) -> str:
    """One of the choices, or what the worker will judge where others may be given as well."""
    others = setting.get("others")
    if value in setting["choices"] or (
        others and isinstance(value, str) and 0 < len(value) <= MAX_CHOICE
    ):
        return str(value)
    also = f", or give {others}" if others else ""
    raise ValueError(f"Choose one of {', '.join(setting['choices'])}{also}.")


def _parse_number(setting: Mapping[str, Any], value: object) -> int | float:
    whole = setting["kind"] == "int"
    low, high = setting["low"], setting["high"]
    allowed = f"Give a {'whole ' if whole else ''}number from {low} to {high}."
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(allowed)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(allowed) from None
    if not math.isfinite(number) or not low <= number <= high or (whole and number % 1):
        raise ValueError(allowed)
    return int(number) if whole else number
