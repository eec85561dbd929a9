"""A table of a suite file is read key by key; every complaint names the key and the place."""

from collections.abc import Callable
from typing import Any

import pytest

from metalearn.bench.toml_table import TomlTable
from metalearn.errors import InvalidSetting


def table(**values: Any) -> TomlTable:
    return TomlTable(values, "[judging]")


def test_what_is_there_is_read_and_defaults_stand_for_the_rest() -> None:
    found = table(a="x", n=[1, 2], s={"lr": 0.1}, t=[{"name": "y"}], yes=True)
    assert found.text("a") == "x" and found.text("b", "z") == "z"
    assert found.choice("a", ("w", "x")) == "x" and found.choice("c", ("w", "x")) == "w"
    assert found.counts("n", (5,)) == (1, 2) and found.counts("m", (5,)) == (5,)
    assert found.flag("yes") and not found.flag("no")
    assert found.settings("s") == {"lr": 0.1} and found.settings("r") == {}
    assert [one.text("name") for one in found.tables("t")] == ["y"]
    found.finish()


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda t: t.text("n"), "“n” must be a text"),
        (lambda t: t.text("gone"), "“gone” is missing"),
        (lambda t: t.choice("a", ("y", "z")), "one of y, z"),
        (lambda t: t.flag("n"), "true or false"),
        (lambda t: t.count("n", 1, low=4), "at least 4"),
        (lambda t: t.count("yes", 1), "whole number"),
        (lambda t: t.counts("twice", (1,)), "different whole numbers"),
        (lambda t: t.texts("none"), "different texts"),
        (lambda t: t.settings("a"), "table such as"),
        (lambda t: t.tables("none"), r"\[\[none\]\]"),
    ],
)
def test_what_is_of_another_kind_is_refused_by_name(
    read: Callable[[TomlTable], object], says: str
) -> None:
    with pytest.raises(InvalidSetting, match=says) as refusal:
        read(table(a="x", n=3, yes=True, twice=[1, 1], none=[]))
    assert "[judging]" in str(refusal.value)


def test_a_key_that_was_not_asked_for_is_refused_with_those_that_were() -> None:
    found = table(way=5, shots=1)
    found.count("way", 5)
    found.has("query")
    with pytest.raises(InvalidSetting, match="has the unknown key “shots”; the keys are query, way"):
        found.finish()
