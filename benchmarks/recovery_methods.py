"""The three methods of recovery that `benchmarks.recovery` compares.

All of them run on the device of the pool's teachers.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from metalearn.algorithms.free.learner_inputs import student_of
from metalearn.algorithms.free.sizes import generator_as_set, learner_spec
from metalearn.algorithms.free_plus import FreePlus, FreePlusConfig
from metalearn.algorithms.purer.config import PurerConfig
from metalearn.algorithms.purer.images import LearnableImages
from metalearn.algorithms.purer.inversion import inversion_loss
from metalearn.bench.costs import CostMeter, Costs
from metalearn.networks.generator import Generator
from metalearn.numerics.gradients import set_gradients
from metalearn.numerics.precision import on_device
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask, Student, TeacherTask, recover
from metalearn.recovery.teacher_pass import Limits
from metalearn.settings import build

RecoverOne = Callable[[TeacherTask, torch.Generator], RecoveredTask]


@dataclass(frozen=True)
class Recovery:
    """The tasks of all teachers, and their cost without the warm-up."""

    tasks: list[RecoveredTask]
    seconds: float
    costs: Costs


@dataclass(frozen=True)
class Method:
    """A way to recover one task, prepared once for all of them."""

    title: str
    pool: Pool
    one: RecoverOne
    tasks: int = 1

    def run(self) -> Recovery:
        """Recover from one teacher after another, with the same classes for every method."""
        rng = torch.Generator().manual_seed(1)
        # The first call of a kernel is slower.
        self.one(TeacherTask.sample(self.pool.teachers[0], 5, rng), rng)
        device = device_of(self.pool)
        meter = CostMeter(self.pool, device)
        with meter.counting() as costs:
            start = now(device)
            tasks = [
                self.one(TeacherTask.sample(teacher, 5, torch.Generator().manual_seed(place)), rng)
                for place, teacher in enumerate(self.pool.teachers * self.tasks)
            ]
            seconds = now(device) - start
        return Recovery(tasks, seconds, costs)


def methods(pool: Pool, options: argparse.Namespace) -> list[Method]:
    """Return all methods, FREE+'s first, with which the others are compared."""
    device = device_of(pool)
    free = FreePlus(pool, build(FreePlusConfig, {}), device=device, seed=0)
    start = now(device)
    for _ in range(options.warm_up):
        free.recover(adversarial=False)
    warm_up = now(device) - start
    steps = FreePlusConfig().generator_steps
    title = f"meta-generator, {steps} steps (after {warm_up:.0f} s of warm-up, once)"
    quick = by_generator(lambda: free.generator, steps)
    rows = [Method(title, pool, quick)]
    # As FREE+ does after its warm-up. An untrained learner costs the same.
    student = student_of(free.learner, free.config, pool)
    against = by_generator(lambda: free.generator, steps, student)
    title = f"meta-generator, {steps} steps, with the adversarial term against a fresh learner"
    rows.append(Method(title, pool, against))
    for n in options.tasks:
        rows.append(Method(f"meta-generator, {steps} steps, {n} tasks from each", pool, quick, n))
    if fresh := options.fresh_steps:
        title = f"(a) a fresh generator for each model, {fresh} steps"
        rows.append(Method(title, pool, by_generator(lambda: new_generator(pool), fresh)))
    for n in options.iterations:
        title = f"(b) pixels as in PURER, {n:,} iterations"
        rows.append(Method(title, pool, by_pixels(pool, n)))
    return rows


def device_of(pool: Pool) -> torch.device:
    return next(pool.teachers[0].network.parameters()).device


def now(device: torch.device) -> float:
    """Return seconds: processor time on a CPU, which is shared with others, wall time on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.process_time() if device.type == "cpu" else time.perf_counter()


def new_generator(pool: Pool) -> Generator:
    config = FreePlusConfig()
    generator = generator_as_set(pool, config, learner_spec(pool, config))
    return on_device(generator, device_of(pool))


def by_generator(
    generator: Callable[[], Generator], steps: int, student: Student | None = None
) -> RecoverOne:
    """Return a recovery by `steps` passes of a generator, with FREE+'s settings.

    With a student, the adversarial term has the same weight as in FREE+.
    """
    config = FreePlusConfig()
    settings = replace(config.inversion, steps=steps)

    def one(task: TeacherTask, rng: torch.Generator) -> RecoveredTask:
        made_by = generator()
        device = next(made_by.parameters()).device
        labels = torch.arange(config.n_way).repeat(config.images_per_class).to(device)
        latents = torch.randn(len(labels), config.latent_dim, generator=rng).to(device)
        fit = recover(task, made_by, latents, labels, settings=settings, rng=rng, student=student)
        return fit.recovered

    return one


def by_pixels(pool: Pool, iterations: int) -> RecoverOne:
    """Return a recovery with Adam on the pixels, with PURER's loss and settings."""
    config = build(PurerConfig, {})
    limits = Limits(config.teacher_mb * 2**20, config.precision)

    def one(task: TeacherTask, rng: torch.Generator) -> RecoveredTask:
        images = LearnableImages(
            task.class_names,
            per_class=config.images_per_class,
            size=(pool.channels, pool.image_size),
            normalisation=(pool.mean, pool.std),
            rng=rng,
        ).to(device_of(pool))
        optimiser = torch.optim.Adam(images.parameters(), lr=config.image_lr, fused=True)
        for _ in range(iterations):
            found = inversion_loss(task, images, config, limits=limits, rng=rng)
            pixels = list(images.of_class)
            set_gradients(pixels, torch.autograd.grad(found.loss, pixels))
            optimiser.step()
        last = inversion_loss(task, images, config, limits=limits, rng=rng)
        return RecoveredTask(task, last.images, last.labels, last.terms, last.accuracy)

    return one
