"""Settings of an algorithm: a frozen dataclass whose fields carry their own help and limits.

`setting(...)` declares a field. `describe(Config)` returns the fields as the plain data that
`contract.settings` defines. `build(Config, values)` validates values and makes the Config. Missing
values come from the chosen preset (`metalearn/presets.py`) or are defaults.

A Config with many settings inherits them from smaller dataclasses. The `GROUP` of each titles a
section of the launch form; "" hides settings that only presets should change.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from contract.settings import NO_GROUP, PRESET, SettingDescription, Value, parse_setting
from metalearn.errors import InvalidSetting

C = TypeVar("C")


@dataclasses.dataclass(frozen=True)
class Preset:
    """A named set of settings: the values that differ from the Config's defaults."""

    name: str
    help: str
    """One sentence, shown on the launch page."""
    values: Mapping[str, Value] = dataclasses.field(default_factory=dict)


def presets_of(config: type) -> tuple[Preset, ...]:
    """Return a Config's presets, the default first. Most Configs have none."""
    presets: tuple[Preset, ...] = getattr(config, "PRESETS", ())
    return presets


def setting(
    default: Value,
    help: str,  # noqa: A002 - the name that users see
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    others: str = "",
) -> Any:
    """Declare a setting as a dataclass field. Numbers need `low` and `high`, texts need `choices`.

    `others` describes further values that a choice accepts; the algorithm validates those.
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
    """Return a base class's field for redeclaration with another default."""
    (field,) = (field for field in dataclasses.fields(config) if field.name == name)
    return dataclasses.field(default=default, metadata=field.metadata)


def describe(config: type) -> list[SettingDescription]:
    return [_describe_field(config, field) for field in dataclasses.fields(config)]


def build(config: type[C], values: Mapping[str, object]) -> C:
    """Make the Config from external values (JSON, a form, `--set key=value` text).

    Missing values come from the chosen preset, or else are the defaults. Raises InvalidSetting for
    an unknown name, a wrong type or a value out of range.
    """
    settings = {setting["name"]: setting for setting in describe(config)}
    unknown = sorted(set(values) - set(settings))
    if unknown:
        raise InvalidSetting(
            f"There is no setting “{unknown[0]}”; the settings are {', '.join(settings)}."
        )
    given = {name: _parse(settings[name], value) for name, value in values.items()}
    beneath = {
        name: value
        for preset in presets_of(config)
        if preset.name == given.get(PRESET)
        for name, value in preset.values.items()
    }
    return config(**beneath | given)


def _describe_field(config: type, field: "dataclasses.Field[Any]") -> SettingDescription:
    default: Any = field.default
    choices = field.metadata["choices"]
    return {
        "name": field.name,
        "kind": _kind(default),
        "default": default,
        "help": field.metadata["help"],
        "low": field.metadata["low"],
        "high": field.metadata["high"],
        "choices": list(choices) if choices else None,
        "others": field.metadata["others"],
        "group": _group_of(config, field.name),
    }


def _group_of(config: type, name: str) -> str:
    """Return the `GROUP` of the class that first declared the setting."""
    declared = [kind for kind in config.__mro__ if name in kind.__dict__.get("__annotations__", {})]
    group: str = declared[-1].__dict__.get("GROUP", NO_GROUP)
    return group


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int):
        return "int"
    return "float" if isinstance(default, float) else "choice"


def _parse(setting: SettingDescription, value: object) -> Value:
    try:
        return parse_setting(setting, value)
    except ValueError as error:
        raise InvalidSetting(f"“{setting['name']}” {error}") from None
