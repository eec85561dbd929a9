"""Measured cost per image of a part of the work: multiply-adds, bytes and seconds."""

import time
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from metalearn.needs.part import Part

_FEW = 2
"""Batch-norm in training mode rejects a single image."""
_ENOUGH_S, _GROWTH = 0.1, 4
"""A shorter pass is repeated with more images until it takes this long."""
_BACKWARD = torch.ops.aten.convolution_backward


def _once_for_each_kind(measure: Callable[[Part], float]) -> Callable[[Part], float]:
    known: dict[Hashable, float] = {}

    @wraps(measure)
    def measured(part: Part) -> float:
        key = (part.kind, str(part.device), torch.get_num_threads())
        if key not in known:
            known[key] = measure(part)
        return known[key]

    return measured


@_once_for_each_kind
def multiply_adds_each(part: Part) -> float:
    """Return multiply-adds per image in convolutions and matrix products, gradients included."""
    few = min(_FEW, part.at_once)
    return _counted(part, few).multiply_adds / few


@_once_for_each_kind
def bytes_each(part: Part) -> float:
    """Return bytes per image: tensors saved for the gradient, and the largest result twice.

    Twice, because a layer's gradient is computed from that of its output, which has the same size.
    """
    # The difference between three images and two leaves out the weights and copies of them.
    kept = _bytes_saved(part, _FEW + 1) - _bytes_saved(part, _FEW)
    results = zip(_counted(part, _FEW + 1).results, _counted(part, _FEW).results, strict=False)
    return float(max(0, kept) + 2 * max((more - less for more, less in results), default=0))


def seconds_each(part: Part) -> float:
    """Return seconds per image at the run's batch size, or the largest that time allows."""
    key = (part.kind, part.at_once, str(part.device), torch.get_num_threads())
    if key not in _timings:
        _timings[key] = _measured(part)
    return _timings[key]


_timings: dict[Hashable, float] = {}


def _measured(part: Part) -> float:
    few = min(_FEW, part.at_once)
    part.rehearse(few)  # warm-up
    of_few = min(_timed(part, few) for _ in range(2))
    n, taken = few, of_few
    while n < part.at_once and taken < _ENOUGH_S:
        n = min(part.at_once, _GROWTH * n)
        taken = _timed(part, n)
    if n in (few, part.at_once):
        return min(taken, _timed(part, n)) / n
    # A pass costs a constant plus a time for each image.
    each = max(0.0, taken - of_few) / (n - few)
    return each + max(0.0, taken - each * n) / part.at_once


def _timed(part: Part, n: int) -> float:
    """Return the seconds that a pass takes on an otherwise idle machine.

    Wall-clock time includes other processes, and process time adds up all threads, so the smaller
    of the two is used.
    """
    _wait(part.device)
    clock, processor = time.perf_counter(), time.process_time()
    part.rehearse(n)
    _wait(part.device)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    # Process time does not count waiting for a GPU.
    return max(1e-9, clock if part.device.type != "cpu" else min(clock, processor))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _counted(part: Part, n: int) -> "_Counter":
    counter = _Counter()
    with counter:
        part.rehearse(n)
    return counter


def _bytes_saved(part: Part, n: int) -> int:
    storages: dict[int, int] = {}
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)  # keeps its address from being reused
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        part.rehearse(n)
    return sum(storages.values())


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counter of multiply-adds, which also records each result's size in bytes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.multiply_adds = 0.0
        self.results: list[int] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        operator = func._overloadpacket
        if operator is _BACKWARD:
            self.multiply_adds += _of_backward(*args)
        elif operator in flop_registry:
            flops = flop_registry[operator](*args, **(kwargs or {}), out_val=result)
            self.multiply_adds += flops / 2
        if isinstance(result, Tensor):
            self.results.append(result.numel() * result.element_size())
        return result


def _of_backward(gradient: Tensor, _images: Tensor, kernel: Tensor, *rest: Any) -> float:
    """Return the cost of a convolution's gradients; torch's counter ignores groups."""
    return gradient.numel() * kernel[0].numel() * sum(map(bool, rest[-1][:2]))
