"""Presets as the workers published them: their values, and what a run with them is called.

`metalearn/presets.py` is the workers' side; a test holds the two together.
"""

from collections.abc import Mapping
from typing import Any

from marketplace.algorithms.models import AlgorithmSpec

PRESET = "preset"
"""The setting that names a preset, in those algorithms that have some."""


def preset_named(spec: AlgorithmSpec, name: object) -> dict[str, Any] | None:
    """The preset of this name, else the default one; None if the algorithm has none."""
    presets: list[dict[str, Any]] = spec.presets
    return next((one for one in presets if one["name"] == name), presets[0] if presets else None)


def preset_values(spec: AlgorithmSpec, name: object) -> dict[str, Any]:
    """Every setting as it is with this preset; the defaults where there is none."""
    values = {setting["name"]: setting["default"] for setting in spec.settings}
    if preset := preset_named(spec, name):
        values |= {**preset["values"], PRESET: preset["name"]}
    return values


def run_title(spec: AlgorithmSpec, settings: Mapping[str, Any]) -> str:
    """What runs with these settings: “FREE (published)”, “FREE (standard, 2 settings changed)”.

    Only algorithms with presets have a bracket.
    """
    if not spec.presets:
        return spec.title
    plain = preset_values(spec, settings.get(PRESET))
    changed = sum(value != settings.get(name, value) for name, value in plain.items())
    more = f", {changed} setting{'s' if changed > 1 else ''} changed" if changed else ""
    return f"{spec.title} ({plain[PRESET]}{more})"
