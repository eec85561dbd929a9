"""The catalogue, and settings checked against it."""

import math
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from contract.settings import parse_setting
from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec
from marketplace.algorithms.selectors import algorithms_published, architectures_published
from marketplace.algorithms.services import (
    architecture_check,
    catalogue_publish,
    settings_check,
)
from marketplace.core.errors import DomainError
from marketplace.jobs.forms import setting_field
from tests.marketplace.conftest import ALGORITHM, ARCHITECTURES

SPEC = AlgorithmSpec(**ALGORITHM, version="1")
DEFAULTS = {setting["name"]: setting["default"] for setting in ALGORITHM["settings"]}


def test_publishing_again_replaces_what_there_was(catalogue: None) -> None:
    other = {**ALGORITHM, "name": "purer", "title": "PURER"}
    catalogue_publish(
        algorithms=[other, {**ALGORITHM, "title": "FREE 2"}],
        architectures=ARCHITECTURES[:1],
        version="2.0",
    )
    rows = {row.name: (row.title, row.version) for row in algorithms_published()}
    assert rows == {"free": ("FREE 2", "2.0"), "purer": ("PURER", "2.0")}
    assert [row.name for row in architectures_published()] == ["conv4"]


def test_publishing_nothing_empties_the_catalogue(catalogue: None) -> None:
    catalogue_publish(algorithms=[], architectures=[], version="3")
    assert not AlgorithmSpec.objects.exists() and not ArchitectureSpec.objects.exists()


def _many(count: int = 1_400) -> list[dict[str, str]]:
    return [{"name": f"timm/{at}", "title": f"{at}", "paper": ""} for at in range(count, 0, -1)]


def _publish(architectures: list[dict[str, str]]) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        catalogue_publish(algorithms=[], architectures=architectures, version="3")
    return [query["sql"].split()[0] for query in seen]


def test_publishing_many_names_takes_few_queries_and_none_that_write_what_is_there(
    db: None,
) -> None:
    assert len(_publish(_many())) < 15
    assert [row.name for row in architectures_published()][:2] == ["timm/1400", "timm/1399"]
    assert _publish(_many()).count("SELECT") == 2 and "INSERT" not in _publish(_many())
    changed = [{**row, "title": "new"} if row["name"] == "timm/7" else row for row in _many()]
    assert _publish(changed).count("INSERT") == 1
    assert ArchitectureSpec.objects.get(name="timm/7").title == "new"


@pytest.mark.parametrize(
    ("said", "name"),
    [("", ""), (" timm/resnet18 ", "timm/resnet18"), ("tv_resnet18", "torchvision/resnet18")],
)
def test_a_known_architecture_has_its_present_name(db: None, said: str, name: str) -> None:
    _publish([{"name": name, "title": name, "paper": ""} for name in LIBRARIES])
    assert architecture_check(said) == name


LIBRARIES = ("resnet10", "torchvision/resnet18", "timm/resnet18", "timm/resnet18d")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("resnet18", "choose torchvision/resnet18 or timm/resnet18,"),
        ("ResNet18", "choose torchvision/resnet18 or timm/resnet18,"),
        ("timm/resnet10", "choose resnet10,"),
        ("18d", "choose timm/resnet18d,"),
        ("vit", "choose one of the list,"),
    ],
)
def test_an_unknown_one_is_refused_with_those_that_are_like_it(
    db: None, said: str, words: str
) -> None:
    _publish([{"name": name, "title": name, "paper": ""} for name in LIBRARIES])
    with pytest.raises(ValueError, match=words):
        architecture_check(said)


def test_what_is_left_out_has_its_default() -> None:
    assert settings_check(spec=SPEC, values={}) == DEFAULTS
    assert settings_check(spec=SPEC, values={"n_way": 5}) == {**DEFAULTS, "n_way": 5}


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("outer_steps", 1, 1),
        ("outer_steps", 1000, 1000),
        ("outer_steps", "20", 20),
        ("outer_steps", 20.0, 20),
        ("outer_lr", 1, 1.0),
        ("outer_lr", "1e-6", 1e-6),
        ("replay", False, False),
        ("learner", "resnet10", "resnet10"),
    ],
)
def test_a_value_is_read_as_the_kind_that_it_is_to_be(
    name: str, value: bool | float | str, parsed: bool | float | str
) -> None:
    got = settings_check(spec=SPEC, values={name: value})[name]
    assert got == parsed and type(got) is type(parsed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outer_steps", 0),
        ("outer_steps", 1001),
        ("outer_steps", 2.5),
        ("outer_steps", True),
        ("outer_steps", ""),
        ("outer_steps", "1e999"),
        ("outer_lr", math.nan),
        ("outer_lr", math.inf),
        ("outer_lr", 0),
        ("replay", "yes"),
        ("replay", 1),
        ("learner", "CONV4"),
        ("learner", None),
    ],
)
def test_a_value_that_cannot_be_used_names_its_setting(name: str, value: Any) -> None:
    with pytest.raises(DomainError) as caught:
        settings_check(spec=SPEC, values={name: value})
    assert set(caught.value.fields) == {name}


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(DomainError) as caught:
        settings_check(spec=SPEC, values={"magic": 1, "n_way": 99, "replay": "x", "outer_lr": 0.1})
    assert set(caught.value.fields) == {"magic", "n_way", "replay"}
    assert "outer_steps" in caught.value.fields["magic"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*DEFAULTS, "magic"]), ANYTHING))
def test_whatever_comes_it_is_either_in_range_or_named(values: dict[str, Any]) -> None:
    try:
        result = settings_check(spec=SPEC, values=values)
    except DomainError as error:
        assert error.fields and set(error.fields) <= set(values)
        return
    assert set(result) == set(DEFAULTS)
    for setting in ALGORITHM["settings"]:
        value = result[setting["name"]]
        assert type(value) is type(setting["default"])
        if setting["kind"] in ("int", "float"):
            assert setting["low"] <= value <= setting["high"]
        # What was accepted once is accepted again, as a resumed job needs it.
        assert parse_setting(setting, value) == value


OPEN = {
    "name": "start", "kind": "choice", "default": "random", "help": "what it begins with",
    "low": None, "high": None, "choices": ["random", "best"], "others": "a model's name",
}  # fmt: skip


def test_the_form_suggests_the_choices_of_an_open_one_and_says_what_else_may_stand_there() -> None:
    field = setting_field(OPEN)
    assert field.clean("owls, by Alice") == "owls, by Alice"
    assert "or a model's name" in str(field.help_text)
    assert '<option value="best">' in field.widget.render("start", "random", {"id": "id_start"})
