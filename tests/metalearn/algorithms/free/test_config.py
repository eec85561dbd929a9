"""FREE's presets are values that its own settings take."""

from metalearn.algorithms.free.config import PRESETS, FreeConfig
from metalearn.settings import build, describe


def test_every_preset_can_be_built_and_changes_what_it_names() -> None:
    standard = build(FreeConfig, {})
    for preset in PRESETS[1:]:
        found = build(FreeConfig, {"preset": preset.name})
        for name, value in preset.values.items():
            assert getattr(found, name) == value != getattr(standard, name), name


def test_a_value_that_is_given_comes_before_the_presets() -> None:
    found = build(FreeConfig, {"preset": "published", "outer_steps": 3})
    assert (found.outer_steps, found.warm_up_steps) == (3, 19)


def test_switches_of_the_released_code_are_in_no_form() -> None:
    groups = {setting["name"]: setting["group"] for setting in describe(FreeConfig)}
    assert groups["remembered"] == groups["distillation"] == ""
    assert groups["outer_steps"] == "Steps"
    config = build(FreeConfig, {"remembered": "last"})
    assert config.switches.remembered == "last"
