"""What alignment moves, and what it descends on."""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.distiller import LearnerWithHeads, optimisers_of, shared_loss
from metalearn.networks import Network

CONFIG = FreeConfig()


def moved(optimiser: torch.optim.Optimizer) -> set[int]:
    return {id(weight) for group in optimiser.param_groups for weight in group["params"]}


def test_heads_of_teachers_are_adams_also_where_muon_turns_the_kernels(learner: Network) -> None:
    trained = LearnerWithHeads(learner, nn.Linear(learner.feature_dim, 4))
    by_name = optimisers_of(trained, replace(CONFIG, outer_optimiser="muon")).by_name
    kernels = {id(weight) for weight in learner.parameters() if weight.ndim > 2}
    assert moved(by_name["kernel_optimiser"]) == kernels
    everything = {id(weight) for weight in trained.parameters()}
    assert moved(by_name["vector_optimiser"]) == everything - kernels


def test_adam_moves_everything_unless_asked_otherwise(learner: Network) -> None:
    by_name = optimisers_of(LearnerWithHeads(learner), CONFIG).by_name
    assert list(by_name) == ["vector_optimiser"]
    assert moved(by_name["vector_optimiser"]) == {id(weight) for weight in learner.parameters()}


def test_a_loss_of_the_learner_alone_leaves_the_heads_as_they_are(learner: Network) -> None:
    heads = nn.Linear(2, 2)
    seen: list[LearnerWithHeads] = []

    def loss(trained: LearnerWithHeads) -> Tensor:
        seen.append(trained)
        return torch.tensor(3.0)

    other = copy.deepcopy(learner)
    assert shared_loss(loss, LearnerWithHeads(other, heads))(learner).item() == 3
    assert seen[0].network is learner and seen[0].heads is heads
