"""What algorithms share: plain optimiser states, consent, learners that depend on the seed only."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.numerics.optimisers import OptimiserState
from metalearn.pool import Pool
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")


def stepped(optimiser: torch.optim.Optimizer, n: int) -> None:
    for index in range(n):
        for group in optimiser.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.full_like(parameter, 0.1 * (index + 1))
        optimiser.step()


@pytest.mark.parametrize("fused", [True, False])
def test_an_optimiser_goes_on_from_plain_data_as_if_never_stopped(fused: bool) -> None:
    weights = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.zeros(2, 2))]
    whole = torch.optim.Adam(weights, lr=0.1, fused=fused)
    stepped(whole, 2)
    state = OptimiserState(whole).state_dict()
    copies = [torch.nn.Parameter(w.detach().clone()) for w in weights]
    resumed = torch.optim.Adam(copies, lr=0.1, fused=fused)
    OptimiserState(resumed).load_state_dict(state)
    stepped(whole, 1)
    stepped(resumed, 1)
    assert all(torch.equal(a, b) for a, b in zip(weights, copies, strict=True))


def test_a_state_without_moments_clears_those_that_are_there() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    stepped(optimiser, 1)
    OptimiserState(optimiser).load_state_dict({})
    assert weight not in optimiser.state


def test_a_model_without_consent_is_named(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("a"), make_teacher("shy", consent_recovery=False)))
    with pytest.raises(InvalidPool, match="“shy” did not consent"):
        make_algorithm("free", pool, {"n_way": 3}, device=CPU, seed=0)


def test_a_learner_follows_the_seed_and_nothing_else(tiny_pool: Pool) -> None:
    learners = []
    for noise, seed in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(noise)
        run = make_algorithm("random_init", tiny_pool, {"n_way": 3}, device=CPU, seed=seed)
        learners.append(run.meta_learner().network.output_layer.weight)
    assert torch.equal(learners[0], learners[1])
    assert not torch.equal(learners[0], learners[2])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_run_that_diverged_says_so(tiny_pool: Pool, value: float) -> None:
    run = make_algorithm("random_init", tiny_pool, {"n_way": 3}, device=CPU, seed=0)
    with pytest.raises(InvalidSetting, match="diverged at step 1 .“replay”.*lower learning rates"):
        run.report("replay", {"replay": value})
