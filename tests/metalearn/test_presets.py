"""Presets: what lies beneath what is given, and what a run is called."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from metalearn.errors import InvalidSetting
from metalearn.presets import PresetSettings, describe_presets, preset_setting, run_title
from metalearn.settings import Preset, build, describe, presets_of, setting, with_default

PRESETS = (
    Preset("usual", "What we take."),
    Preset("large", "For a large machine.", {"steps": 90, "rate": 0.5}),
)


@dataclass(frozen=True)
class Parent:
    steps: int = setting(3, "how many", low=1, high=100)
    rate: float = setting(0.1, "how fast", low=0.0, high=1.0)


@dataclass(frozen=True)
class Config(Parent, PresetSettings):
    PRESETS: ClassVar[tuple[Preset, ...]] = PRESETS
    preset: str = preset_setting(PRESETS)
    kind: str = setting("a", "which", choices=("a", "b"))


@dataclass(frozen=True)
class Child(Parent):
    steps: int = with_default(Parent, "steps", 7)


def test_a_preset_lies_beneath_what_is_given() -> None:
    assert build(Config, {"preset": "large"}) == Config("large", 90, 0.5, "a")
    assert build(Config, {"preset": "large", "steps": "5"}) == Config("large", 5, 0.5, "a")


def test_without_a_preset_there_are_the_defaults_and_the_first_presets_name() -> None:
    assert build(Config, {}) == Config("usual", 3, 0.1, "a") == build(Config, {"preset": "usual"})


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidSetting, match="“preset” must be one of usual, large"):
        build(Config, {"preset": "huge"})
    with pytest.raises(InvalidSetting, match="no setting “preset”"):
        build(Parent, {"preset": "large"})


def test_the_preset_is_the_first_setting_and_has_its_choices() -> None:
    first, *others = describe(Config)
    assert (first["name"], first["default"]) == ("preset", "usual")
    assert first["choices"] == ["usual", "large"]
    assert [setting["name"] for setting in others] == ["steps", "rate", "kind"]


def test_presets_are_published_as_plain_data() -> None:
    assert describe_presets(Config)[1] == {
        "name": "large", "help": "For a large machine.", "values": {"steps": 90, "rate": 0.5},
    }  # fmt: skip
    assert describe_presets(Parent) == [] and presets_of(Parent) == ()


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "It (usual)"),
        ({"preset": "large"}, "It (large)"),
        ({"preset": "large", "steps": 90}, "It (large)"),
        ({"preset": "large", "steps": 3}, "It (large, 1 setting changed)"),
        ({"steps": 90, "rate": 0.5}, "It (usual, 2 settings changed)"),
    ],
)
def test_a_run_is_called_by_its_preset_and_how_many_settings_were_changed(
    values: dict[str, Any], title: str
) -> None:
    assert run_title("It", build(Config, values)) == title


def test_what_has_no_presets_has_no_bracket() -> None:
    assert run_title("It", build(Parent, {"steps": 9})) == "It"


def test_a_setting_with_another_default_keeps_its_help_and_limits() -> None:
    inherited, own = describe(Parent)[0], describe(Child)[0]
    assert own == {**inherited, "default": 7}
    with pytest.raises(InvalidSetting, match="1 to 100"):
        build(Child, {"steps": 101})
