"""FREE+: the very learner that FREE's earlier defaults made, its heads, its remembered batches."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.algorithm import train
from metalearn.algorithms.free_plus.algorithm import FreePlus
from metalearn.pool import Pool
from metalearn.registry import make_algorithm

SMALL = {
    "warm_up_steps": 1,
    "outer_steps": 2,
    "replay_steps": 1,
    "n_way": 3,
    "teachers_per_step": 3,
    "images_per_class": 4,
    "generator_steps": 2,
    "generator_width": 8,
    "latent_dim": 8,
    "learner_width": 4,
    "k_shot": 1,
    "n_query": 2,
    "agreement_every": 1,
}


@pytest.fixture
def make(tiny_pool: Pool) -> Callable[..., FreePlus]:
    def make_(pool: Pool = tiny_pool, **settings: Any) -> FreePlus:
        chosen = SMALL | {"alignment_images": 6, "teachers_asked": 2} | settings
        run = make_algorithm("free_plus", pool, chosen, device=torch.device("cpu"), seed=0)
        assert isinstance(run, FreePlus)
        return run

    return make_


EARLIER = {
    "blocks.0.conv.weight": (-0.0373934, 2.682522),
    "blocks.1.conv.weight": (-0.0326327, 3.097217),
    "blocks.2.conv.weight": (0.0032603, 3.286535),
    "blocks.3.conv.weight": (0.0081857, 3.19471),
}
"""Mean and norm of each kernel that `free` came to before FREE and FREE+ were two algorithms."""


def test_with_its_default_settings_it_makes_the_learner_that_free_made_before(
    tiny_pool: Pool,
) -> None:
    # Not bit for bit: another processor adds in another order.
    settings = SMALL | {"precision": "fp32"}
    run = make_algorithm("free_plus", tiny_pool, settings, device=torch.device("cpu"), seed=0)
    *_, last = train(run)
    weights = dict(run.meta_learner().network.named_parameters())
    for name, (mean, norm) in EARLIER.items():
        assert weights[name].mean().item() == pytest.approx(mean, abs=1e-4)
        assert weights[name].norm().item() == pytest.approx(norm, rel=1e-4)
    assert last.metrics == {
        "replayed_distillation": pytest.approx(0.0503561, rel=1e-3),
        "replay": pytest.approx(1.5330185, rel=1e-3),
        "replay_accuracy": pytest.approx(0.25),
    }


def test_remembered_lessons_are_taught_in_every_step_that_has_a_memory(
    make: Callable[..., FreePlus],
) -> None:
    reports = list(train(make()))
    told = ["replayed_distillation" in report.metrics for report in reports]
    assert told == [False, True, True, True]
    assert reports[-1].stage == "replay"


@pytest.mark.long
@pytest.mark.parametrize("learner", ["protonet", "maml"])
@pytest.mark.parametrize("head", ["own", "prototypes", "shared"])
def test_every_way_of_distilling_moves_the_learner_and_remembers(
    make: Callable[..., FreePlus], learner: str, head: str
) -> None:
    algorithm = make(distillation_head=head, replay_learner=learner)
    before = [p.detach().clone() for p in algorithm.learner.parameters()]
    reports = list(train(algorithm))
    after = list(algorithm.learner.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert ("heads" in algorithm.parts()) == (head == "own")
    assert "adversarial" in reports[1].metrics and "gradient_cosine" in reports[1].metrics


def test_a_head_answers_for_some_classes_of_a_teacher_with_many(
    make: Callable[..., FreePlus], make_teacher: Callable[..., Any]
) -> None:
    many = tuple(f"class {index}" for index in range(40))
    pool = Pool((make_teacher("a", class_names=many), make_teacher("b")))
    algorithm = make(pool=pool, head_classes=6)
    assert algorithm.trained.heads.sizes == [6, 3]
    said = torch.randn(2, 40)
    asked = algorithm.trained.heads.asked(said, 0)
    assert torch.equal(asked, said[:, algorithm.trained.heads.classes[0]])
    assert algorithm.trained.heads.classes == make(pool=pool, head_classes=6).trained.heads.classes
    list(train(algorithm))


def test_muon_turns_the_learners_kernels_and_nothing_else_and_adam_can_have_all(
    make: Callable[..., FreePlus],
) -> None:
    algorithm = make(distillation_head="own")
    optimisers = algorithm.learner_optimisers.by_name
    turned = optimisers["kernel_optimiser"].param_groups[0]["params"]
    rest = optimisers["vector_optimiser"].param_groups[0]["params"]
    kernels = [p for p in algorithm.learner.parameters() if p.ndim == 4]
    assert [id(p) for p in turned] == [id(p) for p in kernels]
    everything = {id(p) for p in algorithm.trained.parameters()}
    assert {id(p) for p in turned} | {id(p) for p in rest} == everything
    assert len(turned) + len(rest) == len(everything)
    papers = make(outer_optimiser="adam").learner_optimisers.by_name
    assert list(papers) == ["vector_optimiser"]
