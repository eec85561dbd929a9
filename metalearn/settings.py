"""Settings of an algorithm: a frozen dataclass whose fields carry their own help and limits.

`setting(...)` declares one, `describe(Config)` turns them into plain data (the web draws its
launch form from it), `build(Config, values)` checks values from outside and makes the Config.
A Config may have presets (`metalearn/presets.py`): `build` lays the chosen one's values under
those that are given.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypedDict, TypeVar

from metalearn.errors import InvalidSetting

C = TypeVar("C")
Value = int | float | bool | str

PRESET = "preset"
"""The setting that names a preset, in those Configs that have some."""
MAX_TEXT = 200
"""Characters of a choice that is none of those listed."""


class SettingDescription(TypedDict):
    """Plain data about one setting, as published to the web and the REST API."""

    name: str
    kind: str  # "int", "float", "bool" or "choice"
    default: Value
    help: str
    low: float | None
    high: float | None
    choices: list[str] | None
    others: str
    """What else a choice may be, in words; '' where it is one of the choices."""


@dataclasses.dataclass(frozen=True)
class Preset:
    """A name for a whole set of settings: the values that differ from the Config's defaults."""

    name: str
    help: str
    """One sentence, as the launch page shows it."""
    values: Mapping[str, Value] = dataclasses.field(default_factory=dict)


def presets_of(config: type) -> tuple[Preset, ...]:
    """The presets of a Config, the default one first; none for most."""
    presets: tuple[Preset, ...] = getattr(config, "PRESETS", ())
    return presets


def setting(
    default: Value,
    help: str,  # noqa: A002 - the word users see
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    others: str = "",
) -> Any:
    """A setting as a dataclass field; numbers need `low` and `high`, texts need `choices`.

    `others` says in words what else a choice may be, and leaves judging that to the algorithm.
    """
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if number and (low is None or high is None):
        raise TypeError("a number needs low and high")
    if isinstance(default, str) and not choices:
        raise TypeError("a text setting needs choices")
    return dataclasses.field(
        default=default,
        metadata={"help": help, "low": low, "high": high, "choices": choices, "others": others},
    )


def with_default(config: type, name: str, default: Value) -> Any:
    """The setting of a base class as it is there, but for its default."""
    (field,) = (field for field in dataclasses.fields(config) if field.name == name)
    return dataclasses.field(default=default, metadata=field.metadata)


def describe(config: type) -> list[SettingDescription]:
    """Every setting of a Config class as plain data, in the order of its declaration."""
    return [_describe_field(field) for field in dataclasses.fields(config)]


def build(config: type[C], values: Mapping[str, object]) -> C:
    """Make the Config from values of outside (JSON, a form, `--set key=value` text).

    What is not given has the value of the preset that is named, or its default. Raises
    InvalidSetting for an unknown name, a wrong kind or a value out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InvalidSetting(
            f"There is no setting “{unknown[0]}”; the settings are {', '.join(fields)}."
        )
    given = {name: _parse(fields[name], value) for name, value in values.items()}
    beneath = {
        name: value
        for preset in presets_of(config)
        if preset.name == given.get(PRESET)
        for name, value in preset.values.items()
    }
    return config(**beneath | given)


def _describe_field(field: "dataclasses.Field[Any]") -> SettingDescription:
    default: Any = field.default
    choices = field.metadata["choices"]
    return {
        "name": field.name,
        "kind": _kind(field),
        "default": default,
        "help": field.metadata["help"],
        "low": field.metadata["low"],
        "high": field.metadata["high"],
        "choices": list(choices) if choices else None,
        "others": field.metadata["others"],
    }


def _kind(field: "dataclasses.Field[Any]") -> str:
    default = field.default
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int):
        return "int"
    return "float" if isinstance(default, float) else "choice"


def _parse(field: "dataclasses.Field[Any]", value: object) -> Value:
    kind = _kind(field)
    if kind == "choice":
        return _parse_choice(field, value)
    if kind == "bool":
        return _parse_bool(field, value)
    return _parse_number(field, value, whole=kind == "int")


def _parse_choice(field: "dataclasses.Field[Any]", value: object) -> str:
    choices, others = field.metadata["choices"], field.metadata["others"]
    if isinstance(value, str) and (value in choices or (others and 0 < len(value) <= MAX_TEXT)):
        return value
    also = f", or {others} of at most {MAX_TEXT} characters" if others else ""
    raise InvalidSetting(f"“{field.name}” must be one of {', '.join(choices)}{also}.")


def _parse_bool(field: "dataclasses.Field[Any]", value: object) -> bool:
    known = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise InvalidSetting(f"“{field.name}” must be true or false.")


def _parse_number(field: "dataclasses.Field[Any]", value: object, *, whole: bool) -> int | float:
    low, high = field.metadata["low"], field.metadata["high"]
    allowed = f"“{field.name}” must be a {'whole ' if whole else ''}number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidSetting(f"{allowed}.")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise InvalidSetting(f"{allowed}, not “{str(value)[:40]}”.") from None
    if not math.isfinite(number) or not low <= number <= high or (whole and number % 1):
        raise InvalidSetting(f"{allowed}, not {str(value)[:40]}.")
    return int(number) if whole else number
