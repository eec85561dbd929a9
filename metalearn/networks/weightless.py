"""Builds networks without spending memory or time on weights that are replaced at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

_building = threading.local()


def without_weights(build: Callable[[], nn.Module]) -> nn.Module:
    """What `build` makes, with every parameter on `meta` and every buffer computed.

    Buffers outside the state dict, such as the positions of Swin's windows, hold numbers that no
    checkpoint brings; building wholly on `meta` would leave them empty. The few networks that
    cannot be built so are built with real weights, in uninitialised memory where they do not look.
    """
    try:
        with _parameters_on_meta():
            network = build()
    except (NotImplementedError, RuntimeError):
        return build()
    return build() if any(buffer.is_meta for buffer in network.buffers()) else network


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Move each parameter of this thread to `meta` when a module takes it, before it is filled."""

    def to_meta(_: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None or parameter.is_meta or not getattr(_building, "on_meta", False):
            return None
        return nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(to_meta)  # type: ignore[arg-type]
    _building.on_meta = True
    try:
        # Some constructors draw numbers of their own; the global generator stays as it is.
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        _building.on_meta = False
        handle.remove()
