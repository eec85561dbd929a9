"""Sizes of the user's are read back from any number that a trace makes of them."""

import itertools

import pytest

from metalearn.browser_graphs.sizes import CLASSES, IMAGES, NAMES, PSEUDO, REAL, factors, is_dynamic


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (IMAGES, ([IMAGES], 1)),
        (IMAGES * 64, ([IMAGES], 64)),
        (CLASSES * IMAGES, ([IMAGES, CLASSES], 1)),
        (IMAGES * IMAGES * 2, ([IMAGES, IMAGES], 2)),
        ((REAL + PSEUDO) * 3, ([REAL + PSEUDO], 3)),
        (224 * 224, ([], 224 * 224)),
        (0, ([], 0)),
    ],
)
def test_a_number_is_the_sizes_that_it_is_a_product_of(
    number: int, found: tuple[list[int], int]
) -> None:
    assert factors(number) == found
    assert is_dynamic(number) == bool(found[0])


def test_no_size_is_a_multiple_of_another_or_of_anything_that_a_network_has() -> None:
    sizes = [*NAMES, REAL + PSEUDO]
    assert all(a % b for a, b in itertools.permutations(sizes, 2))
    assert not any(is_dynamic(number) for number in range(1, 10_000))
