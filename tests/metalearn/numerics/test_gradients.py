"""Gradients handed to optimisers by hand."""

import pytest
import torch

from metalearn.numerics.gradients import set_gradients

UNLIKE = {
    "channels last": lambda g: g.to(memory_format=torch.channels_last),
    "transposed": lambda g: g.transpose(0, 1).contiguous().transpose(0, 1),
    "a slice of more": lambda g: torch.stack([g, -g], dim=1)[:, 0],
    "as the weights": lambda g: g,
}


@pytest.mark.parametrize("layout", UNLIKE)
def test_a_fused_step_moves_every_weight_against_its_own_gradient(layout: str) -> None:
    gradient = torch.randn(4, 6, 3, 3, generator=torch.Generator().manual_seed(0))
    weight = torch.nn.Parameter(torch.zeros(4, 6, 3, 3))
    optimiser = torch.optim.Adam([weight], lr=0.1, fused=True)
    set_gradients([weight], [UNLIKE[layout](gradient)])
    optimiser.step()
    assert torch.equal(weight.detach().sign(), -gradient.sign())


def test_a_weight_without_a_gradient_stays_as_it_is() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight], lr=0.1, fused=True)
    set_gradients([weight], [torch.ones(3)])
    optimiser.step()
    before = weight.detach().clone()
    set_gradients([weight], [None])
    optimiser.step()
    assert torch.equal(weight.detach(), before)
