"""Recovery's pass with several teachers: sequential, in one call, or compiled.

`torch.compile` needs a C++ compiler; without one its row is left out.
"""

import shutil
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from metalearn.networks import NetworkSpec, build_network
from metalearn.numerics.precision import autocast, on_device

TEACHERS, IMAGES, WIDTH, SIZE = 4, 100, 32, 32
CPU = torch.device("cpu")
Pass = Callable[[], tuple[Tensor, list[Tensor]]]
"""Features of all teachers, and the images that need a gradient."""


def batched_table(repeat: int = 3) -> list[str]:
    ways: dict[str, Pass] = {
        "one after another": _one_after_another(),
        "grouped convolutions": _grouped(),
        "stacked weights, `vmap`": _stacked(),
    }
    if shutil.which("c++") or shutil.which("g++"):
        ways["one after another, `torch.compile`"] = _compiled()
    lines = [f"| {TEACHERS} teachers, {IMAGES} images each | milliseconds |", "|---|---:|"]
    return lines + [f"| {name} | {_milliseconds(way, repeat):.0f} |" for name, way in ways.items()]


def _milliseconds(way: Pass, repeat: int) -> float:
    found = []
    for _ in range(repeat + 1):
        start = time.process_time()
        with autocast("auto", CPU):
            features, images = way()
        torch.autograd.grad(features.float().sum(), images)
        found.append(time.process_time() - start)
    return 1000 * statistics.median(found[1:])


def _teachers() -> list[nn.Module]:
    spec = NetworkSpec("conv4", WIDTH, 3, SIZE, 5)
    return [on_device(build_network(spec).eval().requires_grad_(False), CPU) for _ in range(4)]


def _images(*shape: int) -> Tensor:
    images = torch.rand(*shape)
    if images.ndim == 4:
        images = images.contiguous(memory_format=torch.channels_last)
    return images.requires_grad_()


def _one_after_another() -> Pass:
    networks, images = _teachers(), [_images(IMAGES, 3, SIZE, SIZE) for _ in range(TEACHERS)]
    return lambda: (
        torch.cat([network(x) for network, x in zip(networks, images, strict=True)]),
        images,
    )


def _compiled() -> Pass:
    images = [_images(IMAGES, 3, SIZE, SIZE) for _ in range(TEACHERS)]
    networks = [torch.compile(network) for network in _teachers()]
    return lambda: (
        torch.cat([network(x) for network, x in zip(networks, images, strict=True)]),
        images,
    )


def _grouped() -> Pass:
    layers = [
        nn.Sequential(
            nn.Conv2d(TEACHERS * n_in, TEACHERS * WIDTH, 3, padding=1, groups=TEACHERS),
            nn.BatchNorm2d(TEACHERS * WIDTH),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        for n_in in (3, WIDTH, WIDTH, WIDTH)
    ]
    network = on_device(nn.Sequential(*layers).eval().requires_grad_(False), CPU)
    images = _images(IMAGES, 3 * TEACHERS, SIZE, SIZE)
    return lambda: (network(images), [images])


def _stacked() -> Pass:
    networks = _teachers()
    weights, buffers = stack_module_state(networks)
    images = _images(TEACHERS, IMAGES, 3, SIZE, SIZE)

    def one(own: dict[str, Tensor], own_buffers: dict[str, Tensor], batch: Tensor) -> Tensor:
        result: Tensor = functional_call(networks[0], (own, own_buffers), (batch,))
        return result

    return lambda: (vmap(one)(weights, buffers, images), [images])
