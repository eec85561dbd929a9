"""How the generator follows the copies that were fitted to teachers."""

from dataclasses import replace

import pytest
import torch

from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.meta_generator import (
    generator_optimiser,
    means_over,
    move_generator,
)
from metalearn.networks.generator import Generator
from metalearn.pool import Pool
from metalearn.recovery.inversion import Fit, RecoveredTask, TeacherTask

CONFIG = FreeConfig(reptile_rate=0.5, generator_lr=0.1)


@pytest.fixture
def generator() -> Generator:
    with torch.random.fork_rng():
        return Generator(latent_dim=4, width=4, channels=3, image_size=16, n_way=0)


def task(pool: Pool, *, loss: float = 0.0, hits: float = 0.0) -> RecoveredTask:
    images, labels = torch.zeros(2, 3, 16, 16), torch.zeros(2, dtype=torch.long)
    return RecoveredTask(
        TeacherTask(pool.teachers[0], (0,)), images, labels, {"recovery": loss}, hits
    )


def fits(generator: Generator, pool: Pool, *ways: float) -> list[Fit]:
    weights = list(generator.parameters())
    return [Fit(task(pool), [torch.full_like(p, way) for p in weights]) for way in ways]


def test_reptile_goes_its_share_of_the_mean_way(generator: Generator, pool: Pool) -> None:
    config = replace(CONFIG, generator_update="reptile")
    before = [p.detach().clone() for p in generator.parameters()]
    ways = fits(generator, pool, 1.0, 3.0)
    move_generator(generator, generator_optimiser(generator, config), ways, config)
    for old, new in zip(before, generator.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old - 0.5 * 2)


@pytest.mark.parametrize(("kind", "expected"), [("mean", 2.0), ("sum", 4.0)])
def test_first_order_gradients_are_averaged_or_added_up(
    generator: Generator, pool: Pool, kind: str, expected: float
) -> None:
    config = replace(CONFIG, meta_gradient=kind)
    ways = fits(generator, pool, 1.0, 3.0)
    move_generator(generator, generator_optimiser(generator, config), ways, config)
    for parameter in generator.parameters():
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, torch.full_like(parameter, expected))


def test_losses_and_hits_are_means_over_the_teachers(pool: Pool) -> None:
    found = means_over([task(pool, loss=1.0, hits=0.5), task(pool, loss=3.0, hits=1.0)])
    assert found == {"recovery": 2.0, "teacher_accuracy": 0.75}
