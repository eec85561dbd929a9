"""What a run costs: time, and passes through teachers and generators, counted from outside.

No algorithm knows that it is being counted. A hook that sees every module's forward pass counts
those of a teacher's entrance layer (the first that has weights, so that `embed` counts as well)
and those of a `Generator`, also of a copy of one. Teachers that run inside `torch.func.vmap` as
stacked weights are not seen.
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
    """Seconds of the clock and of the processor; passes as calls (batches) and as images."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    teacher_calls: int = 0
    teacher_images: int = 0
    teacher_backward_images: int = 0
    """Images whose gradient was sought through a teacher."""
    generator_calls: int = 0
    generator_images: int = 0
    generator_backward_images: int = 0

    def as_dict(self) -> dict[str, float | int]:
        """Plain data, times in thousandths of a second."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


class CostMeter:
    """Counts while it runs, except inside `paused()`."""

    def __init__(self, pool: Pool, device: torch.device) -> None:
        self.costs = Costs()
        self._entrances = {id(entrance_layer(teacher.network)) for teacher in pool.teachers}
        self._device = device
        self._running = False
        self._wall = self._cpu = 0.0

    @contextmanager
    def counting(self) -> Iterator[Costs]:
        """Inside, time runs and passes are counted."""
        hook = register_module_forward_hook(self._seen())
        self._start()
        try:
            yield self.costs
        finally:
            self._stop()
            hook.remove()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, nothing is counted: what happens here is not the algorithm's work."""
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
        # A closure, as a method of a meter that is copied with a module would count into the copy.
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
    """The first layer with weights, which every image passes once."""
    for module in network.modules():
        if next(module.parameters(recurse=False), None) is not None:
            return module
    return network


def task_memory(algorithm: Algorithm) -> TaskMemory | None:
    """The run's memory of recovered tasks, if it keeps one."""
    memories = [part for part in algorithm.parts().values() if isinstance(part, TaskMemory)]
    return memories[0] if memories else None


@runtime_checkable
class HoldsRecovered(Protocol):
    """A part of a run that holds what was recovered."""

    @property
    def n_recovered(self) -> int:
        """Images taken in since the start."""


def images_recovered(algorithm: Algorithm) -> int | None:
    """Images that the run recovered to learn from; 0 if it recovers none, None if no part tells.

    What is generated only to train a generator is not among them: see `generator_images`.
    """
    holders = [part for part in algorithm.parts().values() if isinstance(part, HoldsRecovered)]
    if holders:
        return sum(part.n_recovered for part in holders)
    return None if algorithm.needs_recovery else 0
