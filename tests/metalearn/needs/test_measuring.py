"""Multiply-adds and bytes are those that can be counted by hand."""

import pytest
import torch
from torch import nn

from metalearn.needs import Part, bytes_each, multiply_adds_each, seconds_each

CPU = torch.device("cpu")


def part(
    layer: nn.Module, shape: tuple[int, ...], *, at_once: int = 8, gradient: bool = False
) -> Part:
    def rehearse(n: int) -> None:
        given = torch.rand(n, *shape, requires_grad=gradient)
        said = layer(given)
        if gradient:
            said.sum().backward()

    return Part((layer, gradient), rehearse, at_once, 1, CPU)


def test_multiply_adds_of_a_matrix_are_its_weights_and_thrice_as_many_with_gradients() -> None:
    layer = nn.Linear(6, 5, bias=False)
    assert multiply_adds_each(part(layer, (6,))) == 30
    assert multiply_adds_each(part(layer, (6,), gradient=True)) == 90


@pytest.mark.parametrize("groups", [1, 4])
def test_a_convolution_in_groups_counts_as_many_times_less_also_backwards(groups: int) -> None:
    layer = nn.Conv2d(4, 8, 3, padding=1, bias=False, groups=groups)
    of_a_picture = 10 * 10 * 8 * (4 // groups) * 9
    assert multiply_adds_each(part(layer, (4, 10, 10))) == of_a_picture
    assert multiply_adds_each(part(layer, (4, 10, 10), gradient=True)) == 3 * of_a_picture


def test_a_picture_takes_what_layers_keep_of_it_and_what_passes_by_but_no_weights() -> None:
    layer = nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 10)).requires_grad_(False)
    passing = 2 * 4 * 100
    assert bytes_each(part(layer, (100,))) == passing
    # What the ReLU let through.
    assert bytes_each(part(layer, (100,), gradient=True)) == passing + 4 * 50


def test_few_are_not_timed_where_many_go_together() -> None:
    sizes = []

    def rehearse(n: int) -> None:
        sizes.append(n)
        sum(range(1000))

    seconds_each(Part("quick", rehearse, 1000, 1, CPU))
    assert sizes[0] == 2 and max(sizes) == 1000


def test_seconds_are_those_of_one_picture_and_measured_once_for_each_kind() -> None:
    calls = []

    def rehearse(n: int) -> None:
        calls.append(n)
        torch.rand(n * 300, 300) @ torch.rand(300, 300)

    first = seconds_each(Part("product", rehearse, 64, 1, CPU))
    n_calls = len(calls)
    assert seconds_each(Part("product", rehearse, 64, 5, CPU)) == first > 0
    assert len(calls) == n_calls
