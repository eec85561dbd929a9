"""A model's class names: those that match."""

import pytest

from marketplace.checkpoints.class_list import classes_matching

NAMES = ["House wren", "Robin", "Marsh Wren", "Straßentaube"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("WREN", [(0, "House wren"), (2, "Marsh Wren")]),
        ("  robin ", [(1, "Robin")]),
        ("STRASSEN", [(3, "Straßentaube")]),
        ("owl", []),
    ],
)
def test_names_are_found_in_any_letters_with_the_number_of_their_output(
    text: str, found: list[tuple[int, str]]
) -> None:
    assert classes_matching(NAMES, text) == found


def test_without_a_text_all_are_there() -> None:
    assert [name for _, name in classes_matching(NAMES, " ")] == NAMES
