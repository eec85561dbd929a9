"""Construction of networks whose weights are not allocated, as they are replaced at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

_building = threading.local()


def without_weights(build: Callable[[], nn.Module]) -> nn.Module:
    """Return what `build` makes, with every parameter on `meta` and every buffer computed.

    Buffers outside the state dict, such as Swin's window positions, are in no checkpoint and would
    be empty if built wholly on `meta`. The few networks that need real weights get them.
    """
    try:
        with _parameters_on_meta():
            network = build()
    except (NotImplementedError, RuntimeError):
        return build()
    return build() if any(buffer.is_meta for buffer in network.buffers()) else network


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Move this thread's parameters to `meta` as modules register them, before filling."""

    def to_meta(_: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None or parameter.is_meta or not getattr(_building, "on_meta", False):
            return None
        return nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(to_meta)  # type: ignore[arg-type]
    _building.on_meta = True
    try:
        # Some constructors draw random numbers; the global generator stays unchanged.
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        _building.on_meta = False
        handle.remove()
