"""What is a whole number in a request."""

import pytest
from django.test import RequestFactory

from marketplace.core.whole_numbers import content_length, whole_number


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1), ("42", 42)]
)
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1_0", "1.0", "٣", "²", "1" * 19])
def test_anything_else_is_none(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize(("said", "length"), [("12", 12), ("", 0), (None, 0), ("many", 0)])
def test_the_length_of_a_body_is_what_its_header_says_or_0(
    rf: RequestFactory, said: str | None, length: int
) -> None:
    request = rf.post("/")
    request.META["CONTENT_LENGTH"] = said
    assert content_length(request) == length
