"""Publishing the catalogue, and checking settings against it."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec
from marketplace.core.errors import DomainError


@transaction.atomic
def catalogue_publish(
    *,
    algorithms: Iterable[Mapping[str, Any]],
    architectures: Iterable[Mapping[str, Any]],
    version: str,
) -> None:
    """Make the rows say what this worker can run; what it no longer knows goes."""
    _publish(AlgorithmSpec, [{**row, "version": version} for row in algorithms])
    _publish(ArchitectureSpec, architectures)


def _publish(
    model: type[AlgorithmSpec] | type[ArchitectureSpec], rows: Iterable[Mapping[str, Any]]
) -> None:
    names = []
    for row in rows:
        model.objects.update_or_create(name=row["name"], defaults=dict(row))
        names.append(row["name"])
    model.objects.exclude(name__in=names).delete()


def settings_check(*, spec: AlgorithmSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a run, defaults filled in; DomainError names every wrong field."""
    known = {setting["name"]: setting for setting in spec.settings}
    wrong = {
        name: f"{spec.title} has no such setting; it has {', '.join(known)}."
        for name in values
        if name not in known
    }
    result = {}
    for name, setting in known.items():
        try:
            result[name] = setting_parse(setting, values.get(name, setting["default"]))
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise DomainError("Some settings cannot be used; see each of them.", fields=wrong)
    return result


def setting_parse(setting: Mapping[str, Any], value: object) -> int | float | bool | str:
    """One value, of the kind its description asks for; ValueError with a sentence otherwise."""
    if setting["kind"] == "choice":
        if value not in setting["choices"]:
            raise ValueError(f"Choose one of {', '.join(setting['choices'])}.")
        return str(value)
    if setting["kind"] == "bool":
        if not isinstance(value, bool):
            raise ValueError("Say true or false.")
        return value
    return _parse_number(setting, value)


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
