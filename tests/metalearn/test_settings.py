"""Settings from outside are checked; every refusal names the setting and its limits."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.errors import InvalidSetting
from metalearn.settings import build, describe, setting, with_default


@dataclass(frozen=True)
class Config:
    steps: int = setting(10, "how many", low=1, high=100)
    rate: float = setting(0.5, "how fast", low=0.0, high=1.0)
    decay: bool = setting(True, "whether to slow down")
    kind: str = setting("a", "which", choices=("a", "b"))


def test_defaults_are_valid_values_of_their_own_settings() -> None:
    defaults = {entry["name"]: entry["default"] for entry in describe(Config)}
    assert build(Config, defaults) == Config()


def test_texts_from_a_shell_are_understood() -> None:
    built = build(Config, {"steps": "7", "rate": "1e-1", "decay": "False", "kind": "b"})
    assert built == Config(7, 0.1, False, "b")
    assert isinstance(built.steps, int)


def test_descriptions_are_plain_data_in_order() -> None:
    described = describe(Config)
    assert [entry["name"] for entry in described] == ["steps", "rate", "decay", "kind"]
    assert [entry["kind"] for entry in described] == ["int", "float", "bool", "choice"]
    assert described[0]["low"] == 1
    assert described[3]["choices"] == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stepz": 3}, "no setting “stepz”"),
        ({"steps": 0}, "“steps” must be a whole number from 1 to 100"),
        ({"steps": 2.5}, "“steps”"),
        ({"steps": True}, "“steps”"),
        ({"steps": None}, "“steps”"),
        ({"rate": "fast"}, "not “fast”"),
        ({"rate": math.nan}, "“rate”"),
        ({"rate": "inf"}, "“rate”"),
        ({"decay": "perhaps"}, "“decay” must be true or false"),
        ({"decay": 1}, "“decay”"),
        ({"kind": "c"}, "“kind” must be one of a, b"),
    ],
)
def test_what_is_wrong_is_said(values: Any, message: Any) -> None:
    with pytest.raises(InvalidSetting, match=message):
        build(Config, values)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())
)


@given(st.dictionaries(st.sampled_from(["steps", "rate", "decay", "kind", "x"]), ANYTHING))
def test_hostile_values_are_refused_or_within_limits(values: Any) -> None:
    try:
        built = build(Config, values)
    except InvalidSetting:
        return
    assert 1 <= built.steps <= 100
    assert 0 <= built.rate <= 1
    assert built.kind in ("a", "b")


def test_a_number_without_limits_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="low and high"):
        setting(1, "no limits")
    with pytest.raises(TypeError, match="choices"):
        setting("a", "no choices")


@dataclass(frozen=True)
class OpenConfig:
    start: str = setting("random", "from", choices=("random", "best"), others="a model's name")


def test_a_choice_may_be_open_to_what_the_algorithm_judges() -> None:
    (described,) = describe(OpenConfig)
    assert (described["kind"], described["others"]) == ("choice", "a model's name")
    assert build(OpenConfig, {"start": "owls, by Alice"}).start == "owls, by Alice"
    for wrong in ("", "x" * 201, 3):
        with pytest.raises(InvalidSetting, match="one of random, best, or a model's name of at"):
            build(OpenConfig, {"start": wrong})


@dataclass(frozen=True)
class Recovery:
    GROUP: ClassVar[str] = "Recovery"
    passes: int = setting(5, "how often", low=1, high=9)


@dataclass(frozen=True)
class Grouped(Recovery):
    passes: int = with_default(Recovery, "passes", 7)
    steps: int = setting(10, "how many", low=1, high=100)


def test_a_setting_is_in_the_group_of_the_class_that_declared_it_first() -> None:
    assert [(one["name"], one["group"], one["default"]) for one in describe(Grouped)] == [
        ("passes", "Recovery", 7),
        ("steps", "Settings", 10),
    ]
