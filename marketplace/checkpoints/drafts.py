"""The uploader's description of a file, and its validation."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.declared import DECLARED, Declared
from contract.limits import (
    MAX_CLASS_NAME,
    MAX_CLASSES,
    MAX_IMAGE_SIZE,
    MIN_CLASSES,
    MIN_IMAGE_SIZE,
)
from contract.names import cleaned_name, name_problem
from marketplace.accounts.models import Team, User, Visibility
from marketplace.algorithms.services import architecture_check
from marketplace.checkpoints.models import Checkpoint, Licence, WeightsKind
from marketplace.checkpoints.retired_names import TAKEN, name_is_retired
from marketplace.core.errors import DomainError

ABOUT: dict[str, str] = {"licence": Licence.UNSTATED, "description": ""}
"""Other fields that can be read from a file, with their values until the owner sets them."""


@dataclass(frozen=True, kw_only=True)
class CheckpointDraft(Declared):
    """The uploader's description of a file. Fields that are left out are read from the file."""

    name: str
    licence: str = Licence.UNSTATED
    description: str = ""
    dataset: str = ""
    visibility: str = Visibility.PRIVATE
    team: Team | None = None
    consent_recovery: bool = False
    consent_preview: bool = False


def draft_check(*, owner: User, draft: CheckpointDraft) -> dict[str, Any]:
    """Return the row's fields. Raise DomainError with an error for each invalid field."""
    wrong: dict[str, str] = {}
    fields = {
        "name": check_new_name(owner, draft.name, wrong),
        "description": draft.description.strip()[:20_000],
        "dataset": check_dataset(draft.dataset, wrong),
        **check_read({name: getattr(draft, name) for name in DECLARED}, wrong),
        "licence": draft.licence,
        "consent_recovery": draft.consent_recovery,
        "consent_preview": draft.consent_preview and draft.consent_recovery,
        **check_sharing(owner, draft.visibility, draft.team, wrong),
    }
    if draft.licence not in Licence.values:
        wrong["licence"] = f"Choose one of {', '.join(Licence.values)}."
    if wrong:
        raise DomainError("Some fields cannot be used; see each of them.", fields=wrong)
    return fields


def check_read(said: Mapping[str, Any], wrong: dict[str, str]) -> dict[str, Any]:
    """Clean the fields that a worker needs to read a file. Errors are added to `wrong`."""
    channels = said["channels"] or 0
    if channels not in (0, 1, 3):
        wrong["channels"] = "Give 1 for grey or 3 for colour images."
    if said["weights"] not in {"", *WeightsKind.values}:
        wrong["weights"] = f"Choose one of {', '.join(WeightsKind.values)}, or leave it out."
    return {
        "architecture": _check_architecture(said["architecture"], wrong),
        "weights": said["weights"],
        "class_names": _check_class_names(said["class_names"], wrong),
        "image_size": _check_range("image_size", said["image_size"] or 0, wrong),
        "channels": channels,
        "mean": _check_statistics("mean", said["mean"], channels, wrong),
        "std": _check_statistics("std", said["std"], channels, wrong),
    }


def check_name(name: str, wrong: dict[str, str]) -> str:
    name = cleaned_name(name)
    if not name or len(name) > 120:
        wrong["name"] = "Give the model a name of at most 120 characters."
    elif problem := name_problem(name):
        wrong["name"] = problem
    return name[:120]


def check_new_name(owner: User, name: str, wrong: dict[str, str]) -> str:
    """Clean a name that the owner gives to a model. It must not be that of a deleted one."""
    name = check_name(name, wrong)
    if "name" not in wrong and name_is_retired(owner, name):
        wrong["name"] = TAKEN
    return name


def check_dataset(name: str, wrong: dict[str, str]) -> str:
    name = cleaned_name(name)[:80]
    if problem := name_problem(name):
        wrong["dataset"] = problem
    return name


def _check_class_names(names: Sequence[str], wrong: dict[str, str]) -> list[str]:
    cleaned = [cleaned_name(str(name)) for name in names]
    if not cleaned:
        return []
    if not MIN_CLASSES <= len(cleaned) <= MAX_CLASSES:
        wrong["class_names"] = (
            f"Name {MIN_CLASSES} to {MAX_CLASSES:,} classes, one for each output, "
            "in the order of the outputs."
        )
    elif any(not name or len(name) > MAX_CLASS_NAME for name in cleaned):
        wrong["class_names"] = f"Every class needs a name of 1 to {MAX_CLASS_NAME} characters."
    elif len(set(cleaned)) != len(cleaned):
        twice = Counter(cleaned).most_common(1)[0][0]
        wrong["class_names"] = f"“{twice}” is listed twice; every class needs its own name."
    elif problem := next(filter(None, map(name_problem, cleaned)), ""):
        wrong["class_names"] = problem
    return cleaned


def _check_architecture(said: str, wrong: dict[str, str]) -> str:
    try:
        return architecture_check(said)
    except ValueError as error:
        wrong["architecture"] = str(error)
        return ""


def _check_range(field: str, value: int, wrong: dict[str, str]) -> int:
    if value and not MIN_IMAGE_SIZE <= value <= MAX_IMAGE_SIZE:
        wrong[field] = (
            f"Give the height of the input in pixels, from {MIN_IMAGE_SIZE} to {MAX_IMAGE_SIZE}."
        )
    return value


def _check_statistics(
    field: str, values: Sequence[float], channels: int, wrong: dict[str, str]
) -> list[float]:
    numbers = [float(value) for value in values]
    if "channels" in wrong or not numbers:
        return numbers
    if len(numbers) != (channels or len(numbers)) or len(numbers) not in (1, 3):
        wrong[field] = (
            f"Give one number for each of the {channels or 3} channels, for images from 0 to 1."
        )
    elif not all(math.isfinite(number) for number in numbers):
        wrong[field] = "Give finite numbers, for images from 0 to 1."
    elif field == "std" and min(numbers) <= 0:
        wrong[field] = "A standard deviation must be above 0."
    elif max(abs(number) for number in numbers) > 10:
        wrong[field] = "Give the number for images scaled to 0 to 1, not 0 to 255."
    return numbers


def check_sharing(
    owner: User, visibility: str, team: Team | None, wrong: dict[str, str]
) -> dict[str, Any]:
    """Return visibility and team. Errors are added to `wrong`."""
    try:
        return Checkpoint.check_sharing(owner, visibility, team)
    except DomainError as error:
        wrong |= error.fields
        return {}
