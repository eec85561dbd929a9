"""The baseline changes nothing and needs nobody's consent."""

from collections.abc import Callable
from typing import Any

import torch

from metalearn.algorithm import train
from metalearn.algorithms.random_init import RandomInit
from metalearn.pool import Pool
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")


def test_one_step_that_leaves_the_initial_weights(tiny_pool: Pool) -> None:
    run = make_algorithm("random_init", tiny_pool, {"n_way": 3}, device=CPU, seed=0)
    assert isinstance(run, RandomInit)
    before = [p.clone() for p in run.learner.parameters()]
    assert [report.stage for report in train(run)] == ["initialisation"]
    after = run.meta_learner().network.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_no_consent_to_recovery_is_needed(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("a", consent_recovery=False), make_teacher("b")))
    run = make_algorithm("random_init", pool, {"head": "sgd"}, device=CPU, seed=0)
    assert run.meta_learner().defaults.head == "sgd"
