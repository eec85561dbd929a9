"""The global generator follows the run's own inside, and is as before outside."""

import pytest
import torch

from metalearn.numerics.randomness import seeded_from


def test_what_is_drawn_inside_depends_on_the_given_generator_only() -> None:
    draws = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        with seeded_from(torch.Generator().manual_seed(7)):
            draws.append(torch.rand(3))
    assert torch.equal(*draws)


def test_the_global_generator_is_restored_even_after_a_failure() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="inside"), seeded_from(torch.Generator()):
        torch.rand(3)
        raise ValueError("inside")
    assert torch.equal(torch.get_rng_state(), before)
