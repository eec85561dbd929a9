"""Algorithms are found by being there, and no two may share a name."""

import sys
from types import ModuleType

import pytest

import metalearn.algorithms
from metalearn import registry
from metalearn.algorithms.random_init import RandomInit
from metalearn.registry import all_algorithms


@pytest.fixture
def other_modules(monkeypatch):
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
    module.Kind = type("Kind", (RandomInit,), {"name": algorithm, "__module__": module.__name__})
    module.RandomInit = RandomInit  # imported there, but at home elsewhere
    return module


def test_free_and_the_baseline_are_there():
    assert {"free", "random_init"} <= set(all_algorithms())


def test_a_file_in_the_folder_is_all_it_takes(other_modules):
    other_modules(module_with("mine", "mine"))
    assert list(all_algorithms()) == ["mine"]


def test_two_of_the_same_name_stop_the_program(other_modules):
    other_modules(module_with("mine", "twin"), module_with("yours", "twin"))
    with pytest.raises(TypeError, match="two algorithms are called 'twin'"):
        all_algorithms()


def test_the_folder_holds_nothing_but_algorithms():
    for info in registry.pkgutil.iter_modules(metalearn.algorithms.__path__):
        assert info.name in all_algorithms()
