"""Presets: named sets of setting values, and how a run that uses one is titled.

A Config with presets inherits `PresetSettings`, lists them in `PRESETS` (the default first), and
declares `preset` with `preset_setting(PRESETS)`. `metalearn.settings.build` applies them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from contract import settings as plain_settings
from contract.settings import PresetDescription
from metalearn.settings import Preset, describe, presets_of, setting

_HELP = "which set of values the other settings start from"


@dataclass(frozen=True)
class PresetSettings:
    """The setting that names a preset. As the last base class it comes first in every form."""

    PRESETS: ClassVar[tuple[Preset, ...]]
    preset: str = setting("standard", _HELP, choices=("standard",))


def preset_setting(presets: Sequence[Preset]) -> Any:
    """Return the `preset` field for a Config with these presets; the first is the default."""
    names = tuple(preset.name for preset in presets)
    return setting(names[0], _HELP, choices=names)


def describe_presets(config: type) -> list[PresetDescription]:
    return [
        {"name": preset.name, "help": preset.help, "values": dict(preset.values)}
        for preset in presets_of(config)
    ]


def run_title(title: str, config: Any) -> str:
    kind = type(config)
    presets = describe_presets(kind)
    return plain_settings.run_title(title, describe(kind), presets, asdict(config))
