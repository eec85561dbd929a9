"""Values of settings: what is accepted, and the sentence that refuses the rest."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.settings import Value, parse_setting, preset_named, preset_values, run_title

LIMITS: dict[str, Any] = {"low": None, "high": None, "choices": None, "others": ""}
STEPS = LIMITS | {"name": "steps", "kind": "int", "default": 3, "low": 1, "high": 100}
RATE = LIMITS | {"name": "rate", "kind": "float", "default": 0.1, "low": 0.0, "high": 1.0}
DECAY = LIMITS | {"name": "decay", "kind": "bool", "default": True}
KIND = LIMITS | {"name": "kind", "kind": "choice", "default": "a", "choices": ["a", "b"]}
OPEN = KIND | {"others": "a model's name"}


@pytest.mark.parametrize(
    ("setting", "value", "parsed"),
    [
        (STEPS, 5, 5),
        (STEPS, "5", 5),
        (STEPS, 5.0, 5),
        (RATE, 1, 1.0),
        (RATE, "1e-3", 0.001),
        (DECAY, False, False),
        (DECAY, "True", True),
        (KIND, "b", "b"),
        (OPEN, "owls, by Alice", "owls, by Alice"),
    ],
)
def test_values_and_their_text_are_parsed(
    setting: dict[str, Any], value: object, parsed: Value
) -> None:
    found = parse_setting(setting, value)
    assert found == parsed and type(found) is type(parsed)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (STEPS, 0, "must be a whole number from 1 to 100, not 0."),
        (STEPS, 2.5, "must be a whole number from 1 to 100, not 2.5."),
        (STEPS, True, "must be a whole number from 1 to 100."),
        (RATE, "fast", "must be a number from 0.0 to 1.0, not “fast”."),
        (RATE, math.nan, "must be a number from 0.0 to 1.0, not nan."),
        (RATE, 10**400, "must be a number from 0.0 to 1.0, not “" + "1" + "0" * 39 + "”."),
        (DECAY, 1, "must be true or false."),
        (KIND, "c", "must be one of a, b."),
        (OPEN, "", "must be one of a, b, or a model's name of at most 200 characters."),
        (OPEN, "x" * 201, "must be one of a, b, or a model's name of at most 200 characters."),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    setting: dict[str, Any], value: object, sentence: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        parse_setting(setting, value)
    assert str(caught.value) == sentence


@given(
    st.sampled_from([STEPS, RATE, DECAY, KIND, OPEN]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
)
def test_what_was_accepted_is_accepted_again(setting: dict[str, Any], value: object) -> None:
    try:
        parsed = parse_setting(setting, value)
    except ValueError:
        return
    assert parse_setting(setting, parsed) == parsed


PRESETS = [
    {"name": "standard", "help": "", "values": {}},
    {"name": "long", "help": "", "values": {"steps": 90}},
]
NAMED = [LIMITS | {"name": "preset", "kind": "choice", "default": "standard"}, STEPS, RATE]


def test_a_preset_fills_in_what_differs_from_the_defaults() -> None:
    assert preset_values(NAMED, PRESETS, "long") == {"preset": "long", "steps": 90, "rate": 0.1}
    assert preset_named(PRESETS, "unknown") is PRESETS[0]
    assert preset_named([], "long") is None


def test_a_run_is_called_by_its_preset_and_the_number_of_changed_settings() -> None:
    def title(**values: Value) -> str:
        return run_title("FREE", NAMED, PRESETS, values)

    assert title() == "FREE (standard)"
    assert title(preset="long", steps=90, rate=0.1) == "FREE (long)"
    assert title(preset="long", steps=3) == "FREE (long, 1 setting changed)"
    assert title(steps=9, rate=0.2) == "FREE (standard, 2 settings changed)"
    assert run_title("OTA", [STEPS], [], {"steps": 9}) == "OTA"
