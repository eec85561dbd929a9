"""A pool of two, a learner with norms of its own, and fifteen images."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from metalearn.networks import Network, NetworkSpec, build_network
from metalearn.pool import Pool
from tests.metalearn.by_hand import (
    randomise_norms,
)


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    return Pool((make_teacher("a"), make_teacher("b")))


@pytest.fixture
def learner() -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 4, 3, 16, 3)).train()
    randomise_norms(network)
    return network


@pytest.fixture
def images() -> Tensor:
    return torch.rand(15, 3, 16, 16, generator=torch.Generator().manual_seed(0))
