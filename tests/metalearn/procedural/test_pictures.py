"""Drawn pictures have the sizes and colours asked for, and the same generator draws the same."""

import pytest
import torch

from metalearn.procedural import KINDS
from tests.metalearn.procedural.drawing import COLOURS, drawn


def test_pictures_have_the_size_asked_for_and_lie_between_0_and_1() -> None:
    pictures = drawn(8, size=20)
    assert pictures.shape == (8, 3, 20, 20)
    assert pictures.min() >= 0 and pictures.max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_pictures_have_as_many_channels_as_the_colours(channels: int) -> None:
    pictures = drawn(4, mean=(0.5,) * channels, std=(0.2,) * channels)
    assert pictures.shape[1] == channels


def test_colours_have_the_mean_of_the_pool_and_vary_as_much_or_a_little_less() -> None:
    pictures = drawn(256)
    mean = pictures.mean((0, 2, 3))
    assert torch.allclose(mean, torch.tensor(COLOURS["mean"]), atol=0.05)
    # Vivid pictures keep the contrast that hiding and blurring leave them.
    relative = pictures.std((0, 2, 3)) / torch.tensor(COLOURS["std"])
    assert relative.min() > 0.75 and relative.max() < 1.1


def test_the_same_generator_draws_the_same_pictures_and_another_does_not() -> None:
    assert torch.equal(drawn(8, seed=1), drawn(8, seed=1))
    assert not torch.allclose(drawn(8, seed=1), drawn(8, seed=2), atol=0.1)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    drawn(4)
    assert torch.equal(torch.get_rng_state(), before)


def test_pictures_differ_from_each_other_and_within_themselves() -> None:
    pictures = drawn(16)
    flat = pictures.flatten(1)
    others = torch.cdist(flat, flat)[~torch.eye(16, dtype=torch.bool)]
    assert others.min() > 1
    assert (pictures.std((2, 3)) > 0.005).float().mean() > 0.9


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_pictures_are_as_many_as_asked_for(n: int) -> None:
    assert len(drawn(n)) == n


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fills_a_picture_of_any_size_and_its_colours_vary(kind: str) -> None:
    pictures = drawn(32, kind=kind, size=21)
    assert pictures.shape == (32, 3, 21, 21)
    assert pictures.isfinite().all()
    assert 0.1 < pictures.std() < 0.4
