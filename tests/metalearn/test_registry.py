"""Algorithms are found by being there, and no two may share a name."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import metalearn.algorithms
from contract.settings import PRESET
from metalearn import registry
from metalearn.algorithms.random_init import RandomInit
from metalearn.registry import all_algorithms
from metalearn.settings import describe


@pytest.fixture
def other_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Adds modules to the folder for one test."""

    def add(*modules: ModuleType) -> None:
        for module in modules:
            monkeypatch.setitem(sys.modules, module.__name__, module)
        infos = [type("Info", (), {"name": module.__name__}) for module in modules]
        monkeypatch.setattr(registry.pkgutil, "iter_modules", lambda *_: infos)
        registry._algorithms.cache_clear()

    yield add
    registry._algorithms.cache_clear()


def module_with(name: str, algorithm: str) -> ModuleType:
    module = ModuleType(f"metalearn.algorithms.{name}")
    kind = type("Kind", (RandomInit,), {"name": algorithm, "__module__": module.__name__})
    # The second is imported there, but at home elsewhere.
    vars(module).update(Kind=kind, RandomInit=RandomInit)
    return module


def test_free_and_the_baseline_are_there() -> None:
    assert {"free", "random_init"} <= set(all_algorithms())


def test_a_file_in_the_folder_is_all_it_takes(other_modules: Callable[..., None]) -> None:
    other_modules(module_with("mine", "mine"))
    assert list(all_algorithms()) == ["mine"]


def test_two_of_the_same_name_stop_the_program(other_modules: Callable[..., None]) -> None:
    other_modules(module_with("mine", "twin"), module_with("yours", "twin"))
    with pytest.raises(TypeError, match="two algorithms are called 'twin'"):
        all_algorithms()


def test_the_folder_holds_nothing_but_algorithms() -> None:
    for info in registry.pkgutil.iter_modules(metalearn.algorithms.__path__):
        assert info.name in all_algorithms()


@pytest.mark.parametrize("kind", all_algorithms().values(), ids=lambda kind: kind.name)
def test_settings_come_in_groups_that_a_form_can_show(kind: Any) -> None:
    described = [one for one in describe(kind.Config) if one["name"] != PRESET]
    sizes = Counter(one["group"] for one in described if one["group"])
    assert max(sizes.values()) <= 12
    assert next(iter(sizes.values())) <= 9, "the first group alone fills what a form opens"


@pytest.mark.parametrize("name", ["free", "purer"])
def test_only_presets_set_what_nothing_but_the_released_code_does(name: str) -> None:
    described = describe(all_algorithms()[name].Config)
    released = {one["name"] for one in described if "as_released" in (one["choices"] or ())}
    assert released and released <= {one["name"] for one in described if not one["group"]}
