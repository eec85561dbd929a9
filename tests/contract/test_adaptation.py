"""How large an adaptation request may be, for pages, the API and workers alike."""

import pytest

from contract.adaptation import InvalidRequest, check_request


def labels(n_classes: int, per_class: int) -> list[str]:
    return [f"c{i}" for i in range(n_classes) for _ in range(per_class)]


def test_classes_come_in_the_order_in_which_they_first_appear() -> None:
    assert check_request(["owl", " wren ", "owl", "wren"], 0) == ("owl", "wren")


@pytest.mark.parametrize(
    ("support", "n_queries", "field", "sentence"),
    [
        (labels(1, 5), 0, "support", "Name 2 to 20 classes with pictures; there are 1."),
        (labels(21, 1), 0, "support", "Name 2 to 20 classes with pictures; there are 21."),
        (labels(2, 51), 0, "support", "“c0” has 51 pictures; give at most 50 to a class."),
        (["a", "  "], 0, "support", "Every class needs a name of 1 to 100 characters."),
        (["a", "x" * 101], 0, "support", "Every class needs a name of 1 to 100 characters."),
        (labels(2, 1), 201, "query", "Ask about at most 200 pictures at a time."),
    ],
)
def test_a_request_that_is_too_large_or_too_small_is_refused(
    support: list[str], n_queries: int, field: str, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence) as caught:
        check_request(support, n_queries)
    assert caught.value.field == field
