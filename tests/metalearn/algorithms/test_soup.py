"""A soup of relatives: the mean weights of the largest family of a pool."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.algorithm import Algorithm
from metalearn.errors import InvalidPool
from metalearn.meta_learner import MetaLearner
from metalearn.networks import EnsembleNetwork, EnsembleSpec
from metalearn.pool import Pool
from metalearn.registry import make_algorithm

KERNEL = "blocks.0.conv.weight"


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    """A stranger, and a model with a relative of more classes, a little moved."""
    own = make_teacher("a")
    relative = make_teacher("b", class_names=tuple("pqrst"))
    state, rng = relative.network.state_dict(), torch.Generator().manual_seed(0)
    for name, value in own.network.state_dict().items():
        if not name.startswith("head.") and value.is_floating_point():
            state[name] = value + 0.01 * torch.randn(value.shape, generator=rng)
    relative.network.load_state_dict(state)
    return Pool((make_teacher("c", width=5), own, replace(relative, mean=(0.5, 0.4, 0.3))))


def finished(pool: Pool, **settings: Any) -> Algorithm:
    run = make_algorithm("soup", pool, settings, device=torch.device("cpu"), seed=0)
    run.step()
    run.steps_done += 1
    return run


def kernels(pool: Pool) -> list[torch.Tensor]:
    return [pool.teachers[index].network.state_dict()[KERNEL] for index in (1, 2)]


def test_every_weight_is_the_mean_of_the_relatives(pool: Pool) -> None:
    learner = finished(pool, beside=0).meta_learner()
    mean = torch.stack(kernels(pool)).mean(0)
    assert torch.allclose(learner.network.state_dict()[KERNEL], mean)


def test_the_learner_says_whose_weights_it_holds(pool: Pool) -> None:
    run = finished(pool)
    assert run.copied_teachers() == (1, 2)
    assert [record.copied for record in run.meta_learner().teachers] == [False, True, True]


def test_the_models_that_know_most_stand_beside_it_and_count_as_much_together(pool: Pool) -> None:
    network = finished(pool).meta_learner().network
    assert isinstance(network, EnsembleNetwork) and isinstance(network.spec, EnsembleSpec)
    soup, most, next_most = network.members
    # The second relative has five classes, the first fewer.
    assert torch.equal(most.state_dict()[KERNEL], kernels(pool)[1])
    assert torch.equal(next_most.state_dict()[KERNEL], kernels(pool)[0])
    assert torch.allclose(soup.state_dict()[KERNEL], torch.stack(kernels(pool)).mean(0))
    assert [member.say for member in network.spec.members] == [2.0, 1.0, 1.0]
    # Each normalises its images as its own model did.
    assert network.spec.members[1].mean == (0.5, 0.4, 0.3)


def test_a_soup_with_models_beside_it_is_saved_and_read_with_their_say(
    pool: Pool, tmp_path: Path
) -> None:
    learner = finished(pool, beside=1).meta_learner()
    learner.save(tmp_path / "learner")
    read = MetaLearner.load(tmp_path / "learner")
    images = torch.rand(3, 3, 16, 16)
    assert torch.equal(read.network.embed(images), learner.network.embed(images))


def test_its_images_may_be_larger_than_the_models_were(pool: Pool) -> None:
    assert finished(pool).meta_learner().image_size == 16
    assert finished(pool, learner_image_size=48, beside=0).meta_learner().image_size == 48
    assert finished(pool, learner_image_size=48).meta_learner().image_size == 48


def test_a_pool_of_strangers_makes_no_soup(make_teacher: Callable[..., Any]) -> None:
    strangers = Pool((make_teacher("a"), make_teacher("b")))
    with pytest.raises(InvalidPool, match="No two models of this pool were fine-tuned"):
        make_algorithm("soup", strangers, {}, device=torch.device("cpu"), seed=0)
