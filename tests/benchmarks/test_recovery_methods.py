"""Every way to recover images that the benchmark compares does recover them."""

from argparse import Namespace
from pathlib import Path

import pytest
import torch

from benchmarks.recovery_methods import by_generator, by_pixels, methods, new_generator
from metalearn.checkpoint import read_pool
from metalearn.pool.pool import Pool
from metalearn.recovery.inversion import TeacherTask

DEMO = Path(__file__).resolve().parents[2] / "marketplace" / "demo" / "pool"


@pytest.fixture(scope="module")
def pool() -> Pool:
    return read_pool(DEMO, limit=2)


@pytest.mark.long
def test_each_method_recovers_the_same_classes_from_every_teacher_and_counts_its_passes(
    pool: Pool,
) -> None:
    options = Namespace(warm_up=1, tasks=[2], fresh_steps=2, iterations=[1])
    once, against, twice, fresh, pixels = [method.run() for method in methods(pool, options)]
    assert [len(one.tasks) for one in (once, against, twice, fresh, pixels)] == [2, 2, 4, 2, 2]
    for found in (against, fresh, pixels):
        assert [t.task.class_names for t in found.tasks] == [t.task.class_names for t in once.tasks]
        assert all(len(t.images) == 100 for t in found.tasks)
    assert (once.costs.generator_calls, fresh.costs.generator_calls) == (10, 4)
    assert against.costs.generator_calls == 10
    assert pixels.costs.generator_calls == 0 < pixels.costs.teacher_calls
    with_it = [found for found in (once, against, fresh) if "adversarial" in found.tasks[0].losses]
    assert with_it == [against]


@pytest.mark.parametrize("way", ["generator", "pixels"])
def test_more_steps_please_the_teacher_more(pool: Pool, way: str) -> None:
    def loss_after(steps: int) -> float:
        rng = torch.Generator().manual_seed(0)
        task = TeacherTask.sample(pool.teachers[0], 5, rng)
        torch.manual_seed(0)
        one = by_pixels(pool, steps) if way == "pixels" else by_generator(generator, steps)
        return one(task, rng).losses["recovery"]

    torch.manual_seed(0)
    made = new_generator(pool)
    generator = lambda: made  # noqa: E731
    assert loss_after(20) < loss_after(2)
