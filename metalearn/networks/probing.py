"""Facts about an architecture for the index, found by building and running it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import NetworkSpec
from metalearn.networks.index import hash_of_names, hash_of_shapes, is_counter
from metalearn.networks.libraries import (
    LibraryArchitecture,
    LibraryFacts,
    build_model,
    is_pointwise,
    may_take_size,
)
from metalearn.networks.library_network import LibraryNetwork
from metalearn.networks.torchvision_import import torchvision_models
from metalearn.networks.transformers_library import PREFIX
from metalearn.networks.weightless import without_weights

NOT_LINEAR = MappingProxyType(
    {"torchvision.models.squeezenet.SqueezeNet": "classifier.1", "timm.models.volo.VOLO": "head"}
)
"""Classes whose logits are more than a linear layer on features, and the closest layer.

SqueezeNet clips negative values before it takes the mean over the map. VOLO adds the largest logit
of a second layer among all patches.
"""
_N_CLASSES = 7
# No layer of any architecture has this many outputs otherwise.
_UNLIKELY = 7919
_MAX_PARAMETERS = 400_000_000
_SMALL_IMAGE, _USUAL_IMAGE = 96, 224
_SAME = 1e-4


@dataclass
class Probed:
    """Facts about one architecture; `refused` says why it is not in the index."""

    name: str
    refused: str = ""
    family: str = ""
    heads: list[str] = field(default_factory=list)
    beside_head: list[str] = field(default_factory=list)
    linear: bool = True
    features: int = 0
    size: int = 0
    sized: bool = False
    parameters: int = 0
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)
    names: str = ""
    shapes: str = ""
    loose: list[str] = field(default_factory=list)
    outputs: list[float] = field(default_factory=list)

    def facts(self) -> LibraryFacts:
        return LibraryFacts(
            name=self.name,
            heads=tuple(self.heads),
            feature_dim=self.features,
            image_size=self.size,
            fixed_size=self.sized,
            n_parameters=self.parameters,
            mean=tuple(self.mean),
            std=tuple(self.std),
            loose=tuple(self.loose),
            linear=self.linear,
            beside_head=tuple(self.beside_head),
        )


def probe(name: str) -> Probed:
    try:
        return _look_at(name)
    except (InvalidCheckpoint, RuntimeError, NotImplementedError, AttributeError) as error:
        return Probed(name, refused=f"cannot be built ({type(error).__name__})")


def _look_at(name: str) -> Probed:
    model = _bare(name)
    layers = {path: layer for path, layer in model.named_modules() if _is_head(layer)}
    if not layers:
        return Probed(name, refused="no linear layer gives its classes")
    kind = f"{type(model).__module__}.{type(model).__name__}"
    main = NOT_LINEAR.get(kind)
    heads = [main] if main else list(layers)
    size, mean, std = _usual_input(name, model)
    looked = Probed(name, family=f"{kind} {' '.join(heads)}", heads=heads, size=size)
    looked.mean, looked.std = mean, std
    looked.linear, looked.beside_head = main is None, [path for path in layers if path not in heads]
    widths = {path: layer.weight.shape[1] for path, layer in layers.items()}
    looked.features = sum(widths[head] for head in heads)
    looked.parameters = sum(parameter.numel() for parameter in model.parameters())
    looked.parameters -= (_UNLIKELY - 1000) * sum(width + 1 for width in widths.values())
    if looked.parameters > _MAX_PARAMETERS:
        return Probed(name, refused=f"{looked.parameters:,} numbers are too many")
    _look_at_tensors(looked, _body(model, heads))
    return looked


def _is_head(layer: nn.Module) -> TypeGuard[nn.Linear | nn.Conv2d]:
    if isinstance(layer, nn.Conv2d) and is_pointwise(layer):
        return layer.out_channels == _UNLIKELY
    return isinstance(layer, nn.Linear) and layer.out_features == _UNLIKELY


def _look_at_tensors(looked: Probed, body: Mapping[str, tuple[int, ...]]) -> None:
    """Hash names and shapes, except those that depend on the input: `loose`."""
    loose = _changed(body, looked, channels=1, image_size=None)
    for factor in (2, 1.5) if may_take_size(looked.name) else ():
        other = int(looked.size * factor)
        if (changed := _changed(body, looked, channels=3, image_size=other)) is not None:
            looked.sized = True
            loose = (loose or set()) | changed
            break
    beside = {f"{layer}.{part}" for layer in looked.beside_head for part in ("weight", "bias")}
    looked.loose = sorted((loose or set()) | (beside & set(body)))
    looked.names = hash_of_names(body)
    looked.shapes = hash_of_shapes({n: s for n, s in body.items() if n not in looked.loose})


def _changed(
    body: Mapping[str, tuple[int, ...]], looked: Probed, *, channels: int, image_size: int | None
) -> set[str] | None:
    """Return the tensors whose shape changes, or None if the input is not accepted."""
    try:
        model = _bare(looked.name, channels=channels, image_size=image_size)
    except (InvalidCheckpoint, RuntimeError, NotImplementedError, AttributeError):
        return None
    other = _body(model, looked.heads)
    return (
        {n for n, shape in body.items() if other.get(n) != shape}
        if set(other) == set(body)
        else None
    )


def _bare(name: str, *, channels: int = 3, image_size: int | None = None) -> nn.Module:
    return without_weights(
        lambda: build_model(name, n_classes=_UNLIKELY, channels=channels, image_size=image_size)
    )


def _body(model: nn.Module, heads: Sequence[str]) -> dict[str, tuple[int, ...]]:
    of_heads = {f"{head}.{part}" for head in heads for part in ("weight", "bias")}
    return {
        name: tuple(tensor.shape)
        for name, tensor in model.state_dict().items()
        if not is_counter(name) and name not in of_heads
    }


def _usual_input(name: str, model: nn.Module) -> tuple[int, list[float], list[float]]:
    if name.startswith("timm/"):
        told: dict[str, Any] = getattr(model, "pretrained_cfg", {})
        return int(told["input_size"][-1]), list(told["mean"]), list(told["std"])
    if name.startswith(PREFIX):
        size = getattr(model.config, "image_size", _USUAL_IMAGE)
        return size if isinstance(size, int) else _USUAL_IMAGE, [0.5] * 3, [0.5] * 3
    weights = torchvision_models().get_model_weights(name.partition("/")[2]).DEFAULT
    shown = weights.transforms()
    return int(shown.crop_size[0]), list(shown.mean), list(shown.std)


def probe_outputs(looked: Probed) -> None:
    """Compute the logits of one picture under weights derived from the tensors' names."""
    total = looked.features
    # Both halves of several heads may use the same features, which are then taken once.
    for features in (total // 2, total) if len(looked.heads) > 1 else (total,):
        looked.features = features
        outputs = _outputs_at_some_size(looked)
        if outputs is None:
            looked.refused = "it computes nothing from a picture"
        elif outputs:
            looked.outputs, looked.refused = outputs, ""
            return
        else:
            looked.refused = "its logits are not one linear layer on its features"


def _outputs_at_some_size(looked: Probed) -> list[float] | None:
    for size in (_USUAL_IMAGE if looked.sized else _SMALL_IMAGE, looked.size):
        try:
            return _outputs(looked, size)
        except (InvalidCheckpoint, RuntimeError, ValueError, AssertionError):
            continue
    return None


def _outputs(looked: Probed, size: int) -> list[float]:
    """Return the library's logits divided by the largest, or [] if the network's differ."""
    with torch.random.fork_rng(devices=[]):
        theirs = build_model(
            looked.name, n_classes=_N_CLASSES, channels=3, image_size=size if looked.sized else None
        ).eval()
        spec = NetworkSpec(looked.name, looked.features, 3, size, _N_CLASSES)
        architecture = LibraryArchitecture(looked.facts())
        network = without_weights(lambda: architecture.build(spec)).eval()
    assert isinstance(network, LibraryNetwork)
    for name, tensor in theirs.state_dict().items():
        if tensor.dtype.is_floating_point:
            tensor.copy_(_numbers(name, tensor))
    own = architecture.own_tensors(theirs.state_dict())
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    own = {name: tensor.reshape(shapes[name]) for name, tensor in own.items()}
    network.load_state_dict(own, assign=True)
    picture = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    output: Any = theirs(picture)
    logits: Tensor = output if isinstance(output, Tensor) else output.logits
    others = [network(picture), network.output_layer(network.embed(picture))]
    scale = logits.abs().max().clamp(min=1e-6)
    same = all(
        logits.shape == other.shape and bool((logits - other).abs().max() < _SAME * scale)
        for other in others[: 2 if looked.linear else 1]
    )
    return (logits[0] / scale).tolist() if same else []


def _numbers(name: str, tensor: Tensor) -> Tensor:
    """Return numbers of usual size, the same for every tensor of this name and shape."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    generator = torch.Generator().manual_seed(seed)
    if name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):
        return torch.rand(tensor.shape, generator=generator) + 0.5
    fan_in = tensor[0].numel() if tensor.dim() > 1 else 100
    drawn: Tensor = torch.randn(tensor.shape, generator=generator) / max(fan_in, 1) ** 0.5
    return drawn
