"""Cost of a run: time, and passes through teachers and generators, counted from outside.

Algorithms do not take part in the counting. A global forward hook counts passes of each teacher's
entrance layer (the first with weights, so that `embed` counts too) and of every `Generator`, copies
included. Teachers that run inside `torch.func.vmap` as stacked weights are not counted.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from metalearn.algorithm import Algorithm
from metalearn.networks.generator import Generator
from metalearn.pool import Pool
from metalearn.recovery.task_memory import TaskMemory


@dataclass
class Costs:
    """Wall-clock and CPU seconds; passes counted as calls (batches) and as images."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    teacher_calls: int = 0
    teacher_images: int = 0
    teacher_backward_images: int = 0
    """Images whose gradient was computed through a teacher."""
    generator_calls: int = 0
    generator_images: int = 0
    generator_backward_images: int = 0

    def as_dict(self) -> dict[str, float | int]:
        """Return plain data, with times rounded to milliseconds."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


class CostMeter:
    """Meter that is active inside `counting()`, except inside `paused()`."""

    def __init__(self, pool: Pool, device: torch.device) -> None:
        self.costs = Costs()
        self._entrances = {id(entrance_layer(teacher.network)) for teacher in pool.teachers}
        self._device = device
        self._running = False
        self._wall = self._cpu = 0.0

    @contextmanager
    def counting(self) -> Iterator[Costs]:
        hook = register_module_forward_hook(self._seen())
        self._start()
        try:
            yield self.costs
        finally:
            self._stop()
            hook.remove()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop counting inside the block, for work that is not the algorithm's."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._running = True

    def _stop(self) -> None:
        if not self._running:
            return
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self.costs.wall_s += time.perf_counter() - self._wall
        self.costs.cpu_s += time.process_time() - self._cpu
        self._running = False

    def _seen(self) -> Callable[[nn.Module, object, object], None]:
        # A closure, because a bound method copied with a module would count in a copied meter.
        def seen(module: nn.Module, _inputs: object, output: object) -> None:
            if not self._running or not isinstance(output, Tensor):
                return
            if id(module) in self._entrances:
                self._count_teacher(output)
            elif isinstance(module, Generator):
                self._count_generator(output)

        return seen

    def _count_teacher(self, output: Tensor) -> None:
        n = len(output)
        self.costs.teacher_calls += 1
        self.costs.teacher_images += n

        def went_back(_gradient: Tensor) -> None:
            self.costs.teacher_backward_images += n if self._running else 0

        if output.requires_grad:
            output.register_hook(went_back)  # type: ignore[no-untyped-call]

    def _count_generator(self, output: Tensor) -> None:
        n = len(output)
        self.costs.generator_calls += 1
        self.costs.generator_images += n

        def went_back(_gradient: Tensor) -> None:
            self.costs.generator_backward_images += n if self._running else 0

        if output.requires_grad:
            output.register_hook(went_back)  # type: ignore[no-untyped-call]


def entrance_layer(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if next(module.parameters(recurse=False), None) is not None:
            return module
    return network


def task_memory(algorithm: Algorithm) -> TaskMemory | None:
    memories = [part for part in algorithm.parts().values() if isinstance(part, TaskMemory)]
    return memories[0] if memories else None


@runtime_checkable
class HoldsRecovered(Protocol):
    """A part of a run that holds recovered images."""

    @property
    def n_recovered(self) -> int:
        """Number of images added since the start."""


def images_recovered(algorithm: Algorithm) -> int | None:
    """Return the number of images recovered to learn from, or None if no part knows it.

    Images generated only to train a generator are not included: see `generator_images`.
    """
    holders = [part for part in algorithm.parts().values() if isinstance(part, HoldsRecovered)]
    if holders:
        return sum(part.n_recovered for part in holders)
    return None if algorithm.needs_recovery else 0
