"""What is left open is empty, whatever a form or JSON brings for it."""

from typing import Any

from contract.declared import DECLARED, Declared


def test_lists_become_tuples_and_none_becomes_empty() -> None:
    brought: dict[str, Any] = {"image_size": None, "architecture": None}
    brought |= {"mean": [0.5], "std": [], "class_names": ["a", "b"]}
    declared = Declared(**brought)
    assert declared == Declared(mean=(0.5,), class_names=("a", "b"))
    assert (declared.image_size, declared.std, declared.architecture) == (0, (), "")


def test_there_are_seven_facts() -> None:
    assert len(DECLARED) == 7 and set(DECLARED) == set(Declared().__dict__)
