"""What templates say often."""

import pytest

from marketplace.core.templatetags import freehold


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float | None, text: str) -> None:
    assert freehold.duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "0 bytes"), (999, "999 bytes"), (480_000, "480 KB"), (21_700_000, "21.7 MB"),
     (3_000_000_000, "3 GB")],
)  # fmt: skip
def test_sizes_are_said_as_people_say_them(size: int | None, text: str) -> None:
    assert freehold.megabytes(size) == text


def test_counts_are_shortened() -> None:
    assert [freehold.count_short(n) for n in (5, 112_933, 11_200_000)] == ["5", "113 k", "11.2 M"]


def test_a_setting_is_named_in_words() -> None:
    assert freehold.field_title("outer_steps") == "Outer steps"
