"""Dead leaves hide one another, on as many pictures as are told to show them."""

import torch

from metalearn.procedural.canvas import Canvas
from metalearn.procedural.leaves import add_leaf, draw_leaves


def canvas(n: int = 16, seed: int = 0) -> Canvas:
    return Canvas(n, 24, 3, torch.Generator().manual_seed(seed))


def test_a_leaf_changes_only_the_pictures_that_show_it() -> None:
    drawn = canvas()
    plane = torch.zeros(16, 3, 24, 24)
    shown = (torch.arange(16) % 2).float().view(-1, 1, 1, 1)
    changed = (add_leaf(drawn, plane, shown) != plane).flatten(1).any(1)
    assert not changed[::2].any()
    assert changed[1::2].any()


def test_a_leaf_covers_a_region_and_leaves_the_rest() -> None:
    drawn = canvas(64)
    far = torch.full((64, 3, 24, 24), 100.0)
    found = add_leaf(drawn, far, torch.ones(64, 1, 1, 1))
    covered = (found[:, 0] < 50).float().mean((1, 2))
    assert 0.02 < covered.mean() < 0.6
    assert covered.max() > 0.1


def test_pictures_have_the_canvas_size_and_the_same_canvas_draws_the_same() -> None:
    first, second = draw_leaves(canvas(4)), draw_leaves(canvas(4))
    assert first.shape == (4, 3, 24, 24)
    assert torch.equal(first, second)
    assert not torch.equal(first, draw_leaves(canvas(4, seed=1)))
