"""Settings and presets of an algorithm as plain data, and validation of values.

`metalearn.settings` derives the data from a Config. Workers publish it, and the web builds its
launch form from it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

Value = int | float | bool | str

PRESET = "preset"
"""The setting that names a preset, in algorithms with presets."""
MAX_TEXT = 200
"""Characters of a choice outside the listed ones."""
NO_GROUP = "Settings"
"""The group of settings without one."""


class SettingDescription(TypedDict):
    """A setting as plain data, as published to the web and the REST API."""

    name: str
    kind: str  # "int", "float", "bool" or "choice"
    default: Value
    help: str
    low: float | None
    high: float | None
    choices: list[str] | None
    others: str
    """Other accepted values, in words; '' if there are none."""
    group: str
    """Title of its group; '' if only presets set it, so that no form shows it."""


class PresetDescription(TypedDict):
    """A preset as plain data, as published to the web and the REST API."""

    name: str
    help: str
    values: dict[str, Value]
    """The settings that differ from their defaults."""


def parse_setting(setting: Mapping[str, Any], value: object) -> Value:
    """Convert the value to the kind of its setting. Text is parsed as in `--set name=value`.

    Raise ValueError with the rest of a sentence that begins with the setting's name.
    """
    if setting["kind"] == "choice":
        return _parse_choice(setting, value)
    if setting["kind"] == "bool":
        return _parse_bool(value)
    return _parse_number(setting, value)


def preset_named(presets: Sequence[Mapping[str, Any]], name: object) -> Mapping[str, Any] | None:
    """Return the preset of this name, else the default one, or None if there are none."""
    return next((one for one in presets if one["name"] == name), presets[0] if presets else None)


def preset_values(
    settings: Sequence[Mapping[str, Any]], presets: Sequence[Mapping[str, Any]], name: object
) -> dict[str, Any]:
    """Return every setting's value under this preset, or the defaults if there are no presets."""
    values = {setting["name"]: setting["default"] for setting in settings}
    if preset := preset_named(presets, name):
        values |= {**preset["values"], PRESET: preset["name"]}
    return values


def run_title(
    title: str,
    settings: Sequence[Mapping[str, Any]],
    presets: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any],
) -> str:
    """Return the title with its preset, if any: “FREE (standard, 2 settings changed)”."""
    if not presets:
        return title
    plain = preset_values(settings, presets, values.get(PRESET))
    changed = sum(value != values.get(name, value) for name, value in plain.items())
    more = f", {changed} setting{'s' if changed > 1 else ''} changed" if changed else ""
    return f"{title} ({plain[PRESET]}{more})"


def _parse_choice(setting: Mapping[str, Any], value: object) -> str:
    choices, others = setting["choices"], setting.get("others")
    if isinstance(value, str) and (value in choices or (others and 0 < len(value) <= MAX_TEXT)):
        return value
    also = f", or {others} of at most {MAX_TEXT} characters" if others else ""
    raise ValueError(f"must be one of {', '.join(choices)}{also}.")


def _parse_bool(value: object) -> bool:
    known = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    raise ValueError("must be true or false.")


def _parse_number(setting: Mapping[str, Any], value: object) -> int | float:
    whole = setting["kind"] == "int"
    low, high = setting["low"], setting["high"]
    allowed = f"must be a {'whole ' if whole else ''}number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{allowed}.")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{allowed}, not “{str(value)[:40]}”.") from None
    if not math.isfinite(number) or not low <= number <= high or (whole and number % 1):
        raise ValueError(f"{allowed}, not {str(value)[:40]}.")
    return int(number) if whole else number
