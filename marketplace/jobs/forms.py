"""The launch form, built from the settings that the workers published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from contract.settings import MAX_TEXT, NO_GROUP, PRESET
from marketplace.algorithms.models import AlgorithmSpec
from marketplace.core.forms import SuggestingInput
from marketplace.jobs.services import MAX_SEED

SETTING_PREFIX = "setting_"
MAX_OPEN = 10
"""Fields that the page shows at once, including the seed. The other groups are collapsed."""
_PRESET_FIELD = f"{SETTING_PREFIX}{PRESET}"


@dataclass(frozen=True)
class SettingGroup:
    title: str
    fields: list[BoundField]
    is_open: bool


class LaunchForm(forms.Form):
    """The seed, and a field for each visible setting with the preset's values."""

    seed = forms.IntegerField(
        initial=0,
        min_value=0,
        max_value=MAX_SEED,
        help_text="The same seed on the same machine gives the same meta-learner.",
    )

    def __init__(self, *args: Any, spec: AlgorithmSpec, preset: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spec = spec
        self.preset = spec.preset_named(preset)
        values = spec.preset_values(preset)
        self._groups: dict[str, list[str]] = {}
        for setting in spec.settings:
            name, group = setting["name"], setting.get("group", NO_GROUP)
            if group or name == PRESET:
                shown = {**setting, "default": values[name]}
                self.fields[f"{SETTING_PREFIX}{name}"] = setting_field(shown)
            if group and name != PRESET:
                self._groups.setdefault(group, []).append(f"{SETTING_PREFIX}{name}")
        if self.preset:
            # A link chooses the preset, because it changes the other fields.
            self.fields[_PRESET_FIELD].widget = forms.HiddenInput()

    @property
    def preset_field(self) -> BoundField | None:
        return self[_PRESET_FIELD] if self.preset else None

    @property
    def groups(self) -> list[SettingGroup]:
        """Settings by group. The first few groups are open."""
        left = MAX_OPEN - 1
        groups = []
        for title, names in self._groups.items():
            left -= len(names)
            fields = [self[name] for name in names]
            is_open = left >= 0 or any(field.errors for field in fields)
            groups.append(SettingGroup(title, fields, is_open))
        return groups

    def settings(self) -> dict[str, Any]:
        """Return the settings for the service."""
        return {
            name.removeprefix(SETTING_PREFIX): value
            for name, value in self.cleaned_data.items()
            if name.startswith(SETTING_PREFIX)
        }


def setting_field(setting: Mapping[str, Any]) -> forms.Field:
    common = {
        "label": _title(setting["name"]),
        "help_text": setting_help(setting),
        "initial": setting["default"],
    }
    if setting["kind"] == "bool":
        return forms.BooleanField(required=False, **common)
    if setting["kind"] == "choice" and setting.get("others"):
        suggested: list[str] = setting["choices"]
        return forms.CharField(
            max_length=MAX_TEXT, widget=SuggestingInput(lambda: suggested), **common
        )
    if setting["kind"] == "choice":
        choices = [(name, name) for name in setting["choices"]]
        return forms.ChoiceField(choices=choices, **common)
    limits = {"min_value": setting["low"], "max_value": setting["high"]}
    if setting["kind"] == "int":
        return forms.IntegerField(**common, **limits)
    # Any step: a learning rate need not be a multiple of anything.
    widget = forms.NumberInput(attrs={"step": "any"})
    return forms.FloatField(widget=widget, **common, **limits)


def setting_help(setting: Mapping[str, Any]) -> str:
    """Return sentences with the setting's meaning and its allowed values."""
    text = str(setting["help"]).strip()
    text = text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
    if setting["kind"] in ("int", "float"):
        text += f" From {_plain(setting['low'])} to {_plain(setting['high'])}."
    if others := setting.get("others"):
        text += f" One of {', '.join(setting['choices'])}; or {others}."
    return text


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
