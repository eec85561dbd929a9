"""Presets of a published algorithm: what lies beneath what is given, and what a run is called."""

from typing import Any

import pytest

from marketplace.algorithms.models import AlgorithmSpec
from marketplace.algorithms.services import settings_check
from marketplace.core.errors import DomainError
from tests.marketplace.conftest import ALGORITHM, WITH_PRESETS

SPEC = AlgorithmSpec(**WITH_PRESETS, version="1")
PLAIN = AlgorithmSpec(**ALGORITHM, version="1")


def checked(**values: Any) -> dict[str, bool | float | str]:
    return settings_check(spec=SPEC, values=values)


def test_what_is_left_out_is_the_presets_and_else_the_default() -> None:
    found = checked(preset="published", n_way=5)
    assert found == {
        "preset": "published", "outer_steps": 900, "n_way": 5, "outer_lr": 0.001,
        "replay": False, "learner": "conv4",
    }  # fmt: skip
    assert checked(preset="published", outer_steps=50)["outer_steps"] == 50
    assert checked() == checked(preset="standard")


@pytest.mark.parametrize("name", ["huge", "", 3, None, ["standard"]])
def test_an_unknown_preset_is_refused_with_those_there_are(name: Any) -> None:
    with pytest.raises(DomainError) as caught:
        checked(preset=name)
    assert caught.value.fields == {"preset": "This must be one of standard, published."}


def test_an_algorithm_without_presets_has_no_such_setting() -> None:
    with pytest.raises(DomainError) as caught:
        settings_check(spec=PLAIN, values={"preset": "standard"})
    assert set(caught.value.fields) == {"preset"}
    assert PLAIN.preset_named("standard") is None
    assert "preset" not in PLAIN.preset_values("standard")


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "FREE (standard)"),
        ({"preset": "published"}, "FREE (published)"),
        ({"preset": "published", "n_way": 3}, "FREE (published, 1 setting changed)"),
        ({"outer_steps": 900, "replay": False}, "FREE (standard, 2 settings changed)"),
    ],
)
def test_a_run_is_called_by_its_preset_and_how_many_settings_were_changed(
    values: dict[str, Any], title: str
) -> None:
    assert SPEC.run_title(checked(**values)) == title


def test_without_presets_there_is_no_bracket() -> None:
    assert PLAIN.run_title(settings_check(spec=PLAIN, values={"n_way": 7})) == "FREE"
