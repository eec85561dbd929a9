from typing import Any

import pytest
import torch
from torch import Tensor

from metalearn.procedural import KINDS, draw_pictures
from metalearn.procedural.canvas import NATURAL_CORRELATION
from metalearn.procedural.grafting import grafted

COLOURS = {"mean": (0.5, 0.45, 0.4), "std": (0.25, 0.25, 0.25)}


def drawn(
    n: int = 64, seed: int = 0, size: int = 32, kind: str = "mixed", **colours: Any
) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return draw_pictures(n, size=size, rng=rng, kind=kind, **(colours or COLOURS))


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


def test_objects_stand_nearer_to_the_middle_than_to_the_edge() -> None:
    pictures = drawn(256, kind="objects")
    # Local contrast: where edges are.
    edges = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean((0, 1))
    assert edges[12:20, 12:20].mean() > 1.2 * edges[:, :4].mean()


def test_half_of_the_mixed_pictures_have_a_region_of_another_one() -> None:
    rng = torch.Generator().manual_seed(0)
    plain = torch.linspace(0, 1, 256).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    changed = (grafted(plain, rng) - plain).abs().amax((1, 2, 3)) > 1e-3
    assert 0.4 < changed.float().mean() < 0.6


@pytest.mark.parametrize("kind", ["leaves", "objects"])
def test_half_of_the_pictures_have_channels_that_go_together_as_in_photographs(kind: str) -> None:
    pictures = drawn(256, kind=kind)
    z = (pictures - pictures.mean((2, 3), keepdim=True)).flatten(2)
    red, blue = z[:, 0], z[:, 2]
    alike = (red * blue).mean(1) / (red.std(1) * blue.std(1) + 1e-6)
    assert alike.quantile(0.75) > NATURAL_CORRELATION**2 - 0.05
    assert alike.quantile(0.25) < 0.6


def test_neighbouring_pixels_are_alike_as_in_photographs() -> None:
    z = drawn(256) - torch.tensor(COLOURS["mean"]).view(1, 3, 1, 1)
    power = z.square().mean()
    assert (z[..., 1:] * z[..., :-1]).mean() / power > 0.85
    assert (z[..., 8:] * z[..., :-8]).mean() / power < 0.85
