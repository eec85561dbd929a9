import pytest
import torch
from torch import nn

from metalearn.numerics.optimisers import ScheduledOptimisers


def layer() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(2, 4, 3)


def paced(network: nn.Conv2d) -> ScheduledOptimisers:
    assert network.bias is not None
    return ScheduledOptimisers([network.weight], [network.bias], kernel_lr=0.5, other_lr=0.01)


def taught(network: nn.Conv2d, optimisers: ScheduledOptimisers, steps: int) -> torch.Tensor:
    images = torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        network.zero_grad()
        network(images).square().mean().backward()
        optimisers.step()
    return network.weight.detach().clone()


def test_all_take_the_same_share_of_their_own_highest_rate() -> None:
    optimisers = paced(layer())
    optimisers.set_rate_share(0.5)
    optimisers.set_rate_share(0.2)
    rates = {name: one.param_groups[0]["lr"] for name, one in optimisers.by_name.items()}
    assert rates == pytest.approx({"vector_optimiser": 0.002, "kernel_optimiser": 0.1})


def test_at_no_rate_nothing_moves() -> None:
    network, other = layer(), layer()
    optimisers = paced(network)
    optimisers.set_rate_share(0.0)
    assert torch.equal(taught(network, optimisers, 2), other.weight)


def test_moments_of_both_outlive_a_snapshot() -> None:
    network, stopped = layer(), layer()
    straight = taught(network, paced(network), 4)
    first = paced(stopped)
    taught(stopped, first, 2)
    saved = {name: part.state_dict() for name, part in first.parts().items()}
    assert set(saved) == {"vector_optimiser", "kernel_optimiser"}
    second = paced(stopped)
    for name, part in second.parts().items():
        part.load_state_dict(saved[name])
    assert torch.equal(taught(stopped, second, 2), straight)


def test_without_kernels_there_is_no_muon() -> None:
    network = layer()
    optimisers = ScheduledOptimisers([], network.parameters(), kernel_lr=0.5, other_lr=0.01)
    assert list(optimisers.parts()) == ["vector_optimiser"]
