"""What the confined reader says is made safe to keep and to show."""

from typing import Any

import pytest

from contract.limits import MAX_CLASS_NAME, MAX_CLASSES, MAX_DESCRIPTION
from worker.sandbox.sanitising import sanitise_fields, sanitise_reading


def test_what_the_reader_says_is_kept_only_in_its_shape() -> None:
    said = {"told_by": "a\0\ud800" + "b" * 999, "guessed": 1, "left_out": [["a", 2], ["b"], "c"]}
    kept = sanitise_reading({**said, "candidates": "no list", "unknown": object()})
    assert kept == {
        "told_by": "a��" + "b" * 197,
        "guessed": True,
        "left_out": [["a", "2"]],
        "candidates": [],
    }


def test_fields_come_back_tidied_and_unknown_ones_are_left_out() -> None:
    filled = {
        "class_names": ["  robin\nred ", "w" * (MAX_CLASS_NAME + 9)],
        "image_size": 32,
        "mean": [0.5, 1],
        "description": "d" * (MAX_DESCRIPTION + 9),
        "state": "valid",
    }
    kept = sanitise_fields(filled)
    assert set(kept) == set(filled) - {"state"}
    assert len(kept["class_names"][1]) <= MAX_CLASS_NAME and "\n" not in kept["class_names"][0]
    assert kept["mean"] == [0.5, 1.0] and len(kept["description"]) == MAX_DESCRIPTION


@pytest.mark.parametrize(
    "wrong",
    [
        {"class_names": "robin"},
        {"class_names": ["a"] * (MAX_CLASSES + 1)},
        {"image_size": True},
        {"image_size": 0},
        {"channels": 2**15 + 1},
        {"mean": [0.5] * 4},
        {"std": ["half"]},
        {"std": [10**400]},
    ],
)
def test_one_malformed_field_makes_all_of_them_worthless(wrong: dict[str, Any]) -> None:
    assert sanitise_fields({"licence": "mit", **wrong}) == {}


def test_of_many_entries_the_first_are_kept() -> None:
    many = [[f"name {n}", "why"] for n in range(200)]
    filled = {str(n): "file" for n in range(50)}
    kept = sanitise_reading({"left_out": many, "candidates": ["a"] * 200, "filled": filled})
    assert (len(kept["left_out"]), len(kept["candidates"]), len(kept["filled"])) == (50, 50, 10)
