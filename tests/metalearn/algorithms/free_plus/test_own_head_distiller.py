"""A head for every teacher: whose rows are whose, what they are asked, and that they fall away."""

import pytest
import torch
import torch.nn.functional as F

from metalearn.algorithm import train
from metalearn.algorithms.free.distiller import LearnerWithHeads
from metalearn.algorithms.free_plus.algorithm import FreePlus
from metalearn.algorithms.free_plus.own_head_distiller import (
    TeacherBatch,
    batch_loss,
    remembered_batch,
)
from metalearn.pool.pool import Pool
from metalearn.registry import make_algorithm

SMALL = {
    "warm_up_steps": 1,
    "outer_steps": 2,
    "replay_steps": 1,
    "n_way": 3,
    "images_per_class": 4,
    "generator_steps": 2,
    "generator_width": 8,
    "latent_dim": 8,
    "learner_width": 4,
    "k_shot": 1,
    "n_query": 2,
    "replay_alignments": 1,
    "alignment_images": 6,
    "teachers_asked": 2,
    "distillation_head": "own",
    "precision": "fp32",
}
CPU = torch.device("cpu")


@pytest.fixture
def run(tiny_pool: Pool) -> FreePlus:
    made = make_algorithm("free_plus", tiny_pool, SMALL, device=CPU, seed=0)
    assert isinstance(made, FreePlus)
    return made


def test_the_loss_is_the_mean_divergence_over_the_teachers_at_the_temperature(
    run: FreePlus,
) -> None:
    # Against torch's own divergence.
    images = torch.rand(6, 3, 24, 24)
    said = (torch.randn(6, 4), torch.randn(6, 3))
    batch = TeacherBatch(images, (1, 0), said)
    loss = batch_loss(run.trained, batch=batch, config=run.config, pool=run.pool)
    pool, temperature = run.pool, run.config.distillation_temperature
    ready = (images - torch.tensor(pool.mean).view(1, 3, 1, 1)) / torch.tensor(pool.std).view(
        1, 3, 1, 1
    )
    logits = run.trained.get_submodule("heads")(run.learner.embed(ready))
    expected = [
        F.kl_div(
            (own / temperature).log_softmax(1),
            (theirs / temperature).softmax(1),
            reduction="batchmean",
        )
        * temperature**2
        for own, theirs in zip((logits[:, 3:7], logits[:, :3]), said, strict=True)
    ]
    assert loss.item() == pytest.approx(sum(expected).item() / 2, rel=1e-4)


def test_a_learner_that_says_what_the_teachers_say_has_nothing_to_learn(run: FreePlus) -> None:
    images = torch.rand(6, 3, 24, 24)
    ready = (images - 0.5) / 0.25
    said = [row.detach() for row in run.trained.heads.of(run.learner.embed(ready), [0, 2])]
    batch = TeacherBatch(images, (0, 2), tuple(said))
    loss = batch_loss(run.trained, batch=batch, config=run.config, pool=run.pool)
    loss.backward()
    gradients = [weight.grad for weight in run.trained.parameters() if weight.grad is not None]
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert len(gradients) > 10
    assert all(gradient.abs().max() < 1e-4 for gradient in gradients)


def test_teachers_are_asked_about_images_of_any_class(run: FreePlus) -> None:
    assert remembered(run) is None
    run.memory.add(torch.rand(2, 3, 24, 24), torch.zeros(2, dtype=torch.long), ["bee"])
    batch = remembered(run)
    # Only one teacher knows bees, and two different ones are asked.
    assert len(set(batch.teachers)) == 2
    assert batch.images.shape == (6, 3, 24, 24)
    shapes = [tuple(said.shape) for said in batch.logits]
    assert shapes == [(6, run.pool.teachers[place].n_classes) for place in batch.teachers]


def remembered(run: FreePlus) -> TeacherBatch | None:
    return remembered_batch(run.memory, run.config, pool=run.pool, device=CPU, rng=run.rng)


def test_alignment_moves_the_heads_and_the_learner_goes_without_them(run: FreePlus) -> None:
    before = run.trained.get_parameter("heads.weight").detach().clone()
    list(train(run))
    assert not torch.equal(run.trained.get_parameter("heads.weight"), before)
    assert not any("heads" in name for name in run.meta_learner().network.state_dict())
    assert isinstance(run.trained, LearnerWithHeads)
    assert "heads" in run.parts()
