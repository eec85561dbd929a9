"""What wrappers put before or into the names of tensors is taken off, where it is certain."""

from typing import Any

import pytest

from metalearn.checkpoint.name_cleaning import (
    averaged_within,
    clean_names,
    without_common_prefix,
    without_counters,
)
from metalearn.errors import InvalidCheckpoint


@pytest.mark.parametrize(
    "name",
    [
        "module.fc.weight",
        "_orig_mod.fc.weight",
        "module._orig_mod.module.fc.weight",
        "fc._fsdp_wrapped_module.weight",
        "_forward_module._checkpoint_wrapped_module.fc.weight",
    ],
)
def test_what_wrappers_add_is_taken_off(name: str) -> None:
    assert clean_names({name: 1}) == {"fc.weight": 1}


def test_a_name_that_only_resembles_a_wrappers_stays() -> None:
    assert clean_names({"submodule.fc": 1, "module": 2}) == {"submodule.fc": 1, "module": 2}


def test_two_names_that_become_one_or_look_alike_are_refused() -> None:
    with pytest.raises(InvalidCheckpoint, match="the same tensor twice"):
        clean_names({"fc": 1, "module.fc": 2})
    with pytest.raises(InvalidCheckpoint, match="how their letters are encoded"):
        clean_names({"ﬁne": 1, "fine": 2})
    with pytest.raises(InvalidCheckpoint, match="no tensors"):
        clean_names({})


def test_a_prefix_goes_only_where_every_name_has_it() -> None:
    assert without_common_prefix({"model.net.a": 1, "model.net.b": 2}) == {"a": 1, "b": 2}
    assert without_common_prefix({"model.a": 1, "b": 2}) == {"model.a": 1, "b": 2}
    assert without_common_prefix({"model.": 1}) == {"model.": 1}


def test_an_average_under_a_prefix_is_told_apart_if_it_is_one_of_all_its_tensors() -> None:
    whole: dict[str, Any] = {"fc": 1, "ema.fc": 2}
    assert list(averaged_within("raw", "net", whole)) == [
        ("ema", "net.ema", {"fc": 2}),
        ("raw", "net", {"fc": 1}),
    ]
    other: dict[str, Any] = {"fc": 1, "ema.conv": 2}
    assert list(averaged_within("raw", "", other)) == [("raw", "", other)]


def test_the_counter_of_an_average_is_left_out_and_named() -> None:
    kept, left_out = without_counters("ema", "swa", {"fc": 1, "n_averaged": 2})
    assert kept == {"fc": 1} and [one.name for one in left_out] == ["swa.n_averaged"]
    raw: dict[str, Any] = {"fc": 1, "n_averaged": 2}
    assert without_counters("raw", "", raw) == (raw, [])
