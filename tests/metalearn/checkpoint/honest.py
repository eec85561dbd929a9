"""Files as people really write them; each must come back bit for bit."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from metalearn.networks import NetworkSpec, build_network

State = dict[str, Tensor]
Write = Callable[[State, Path], None]

SPECS = [
    NetworkSpec("conv4", 8, 3, 32, 5),
    NetworkSpec("conv4", 4, 1, 28, 10),
    NetworkSpec("conv4", 8, 3, 84, 2),
    NetworkSpec("resnet10", 8, 3, 32, 5),
    NetworkSpec("resnet18", 4, 3, 84, 3),
    NetworkSpec("torchvision/mobilenet_v3_small", 1024, 3, 32, 4),
]
LARGE_SPECS = [
    NetworkSpec("torchvision/resnet18", 512, 3, 64, 7),
    NetworkSpec("torchvision/resnet50", 2048, 3, 64, 7),
    NetworkSpec("torchvision/efficientnet_b0", 1280, 3, 64, 7),
    NetworkSpec("torchvision/convnext_tiny", 768, 3, 64, 7),
]


def state_of(spec: NetworkSpec) -> State:
    """A state dict with random weights and statistics that are no defaults."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = build_network(spec).state_dict()
        for name, tensor in state.items():
            if name.endswith(("running_mean", "running_var")):
                tensor.uniform_(0.5, 1.5)
    return dict(state)


def _zip(value: object, path: Path) -> None:
    torch.save(value, path)


def _legacy(value: object, path: Path) -> None:
    torch.save(value, path, _use_new_zipfile_serialization=False)


def _prefixed(state: State, prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def _with_optimiser(state: State, key: str) -> dict[str, object]:
    weight = nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    weight.grad = torch.ones(3)
    optimiser.step()
    return {
        "epoch": 3,
        "best": 0.5,
        key: state,
        "optimizer": optimiser.state_dict(),
        "rng": torch.get_rng_state(),
        "args": {"lr": 0.1, "names": ["a", "ü"], "betas": (0.9, 0.99), "on": True, "big": 2**70},
    }


WRITERS: dict[str, Write] = {
    "zip": _zip,
    "legacy": _legacy,
    "safetensors": lambda state, path: safetensors.torch.save_file(
        {name: tensor.contiguous() for name, tensor in state.items()}, path, {"format": "pt"}
    ),
    "zip, module. prefix": lambda state, path: _zip(_prefixed(state, "module."), path),
    "legacy, module. prefix": lambda state, path: _legacy(_prefixed(state, "module."), path),
    "zip, compiled and parallel": lambda state, path: _zip(
        _prefixed(state, "module._orig_mod."), path
    ),
    "safetensors, model. prefix": lambda state, path: safetensors.torch.save_file(
        {n: t.contiguous() for n, t in _prefixed(state, "model.").items()}, path
    ),
    "zip in a training checkpoint": lambda state, path: _zip(
        _with_optimiser(state, "state_dict"), path
    ),
    "legacy in a training checkpoint": lambda state, path: _legacy(
        _with_optimiser(state, "model"), path
    ),
    "zip under an unusual key": lambda state, path: _zip({"backbone": state, "epoch": 1}, path),
    "protocol 1, legacy": lambda state, path: torch.save(
        state, path, pickle_protocol=1, _use_new_zipfile_serialization=False
    ),
    "protocol 3": lambda state, path: torch.save(state, path, pickle_protocol=3),
    "protocol 4": lambda state, path: torch.save(state, path, pickle_protocol=4),
    "protocol 5": lambda state, path: torch.save(state, path, pickle_protocol=5),
    "protocol 5, legacy": lambda state, path: torch.save(
        state, path, pickle_protocol=5, _use_new_zipfile_serialization=False
    ),
    "parameters instead of tensors": lambda state, path: _zip(
        {
            n: nn.Parameter(t, t.is_floating_point()) if t.is_floating_point() else t
            for n, t in state.items()
        },
        path,
    ),
    "channels-last weights": lambda state, path: _zip(
        {
            n: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t
            for n, t in state.items()
        },
        path,
    ),
    "transposed and cut weights": lambda state, path: _zip(
        {n: _awkward(t) for n, t in state.items()}, path
    ),
    "one flat buffer": lambda state, path: _zip(_flat(state), path),
    "an ordered dict with its metadata": lambda state, path: _zip(_with_metadata(state), path),
    "a plain dict": lambda state, path: _zip(dict(state.items()), path),
}


def _with_metadata(state: State) -> "OrderedDict[str, Tensor]":
    """What `module.state_dict()` really returns."""
    result = OrderedDict(state)
    result._metadata = OrderedDict({"": {"version": 1}})  # type: ignore[attr-defined]
    return result


def _awkward(tensor: Tensor) -> Tensor:
    """Equal to the tensor, but a view of a larger, transposed storage."""
    if tensor.ndim < 2:
        return torch.cat([tensor.reshape(-1), tensor.reshape(-1)])[: tensor.numel()].view(
            tensor.shape
        )
    return tensor.transpose(0, 1).contiguous().transpose(0, 1)


def _flat(state: State) -> State:
    """Every floating-point tensor a view of one buffer, as sharding libraries leave them."""
    floats = {n: t for n, t in state.items() if t.is_floating_point()}
    buffer = torch.cat([tensor.reshape(-1) for tensor in floats.values()])
    result, at = {}, 0
    for name, tensor in floats.items():
        result[name] = buffer[at : at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    return {name: result.get(name, tensor) for name, tensor in state.items()}
