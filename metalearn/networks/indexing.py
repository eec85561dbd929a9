"""Makes the index of the architectures of timm, torchvision and transformers: `make index`.

    python -m metalearn.networks.indexing [--cache FILE]

Every architecture is built without weights, for its names and shapes. Two with the same are twins,
and those are built again with numbers that follow from the tensors' names: twins whose outputs
agree get the same `function`; very large ones are not run and get one each. Of all others one of
each class is run, to see that its logits are one linear layer on one feature vector; without that
an architecture does not go in. Takes half an hour of one core; `--cache` keeps what was looked at,
so that an interrupted run goes on.
"""

import argparse
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.bare_building import without_weights
from metalearn.networks.base import NetworkSpec
from metalearn.networks.index import INDEX_FILE, hash_of_names, hash_of_shapes, is_counter
from metalearn.networks.libraries import (
    build_model,
    is_pointwise,
    make_head_linear,
    may_take_size,
    timm,
)
from metalearn.networks.library_network import LibraryNetwork
from metalearn.networks.torchvision_import import torchvision_models
from metalearn.networks.transformers_library import CLASSES, PREFIX

_N_CLASSES = 7
# No layer of any architecture has so many outputs by itself.
_UNLIKELY = 7919
_MAX_PARAMETERS = 400_000_000
_MAX_RUN = 120_000_000
_SMALL_IMAGE, _USUAL_IMAGE = 96, 224
_SAME = 1e-4


@dataclass
class Looked:
    """What was found out about one architecture; `refused` says why it is not in the index."""

    name: str
    refused: str = ""
    family: str = ""
    head: str = ""
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


def main() -> None:
    """Look at every architecture, find the twins, write the index."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, help="JSON lines of what was looked at already")
    cache = parser.parse_args().cache
    torch.set_grad_enabled(False)
    known = _read_cache(cache)
    for name in tqdm([name for name in _all_names() if name not in known], desc="tensors"):
        known[name] = look_at(name)
        _keep(cache, known[name])
    looked = [known[name] for name in _all_names()]
    for one in tqdm([one for one in _to_run(looked) if not one.outputs], desc="outputs"):
        look_at_outputs(one)
        _keep(cache, one)
    INDEX_FILE.write_text(_written(looked))


def _keep(cache: Path | None, looked: Looked) -> None:
    if cache is not None:
        with cache.open("a") as file:
            file.write(json.dumps(asdict(looked)) + "\n")


def _to_run(looked: Iterable[Looked]) -> list[Looked]:
    """Twins, and the smallest of each class that has none among them."""
    kept = sorted((one for one in looked if not one.refused), key=lambda one: one.parameters)
    counts = Counter((one.names, one.shapes) for one in kept)
    twins = (one for one in kept if counts[one.names, one.shapes] > 1)
    chosen = [one for one in twins if one.parameters <= _MAX_RUN]
    seen = {one.family for one in chosen}
    for one in kept:
        if one.family not in seen:
            seen.add(one.family)
            chosen.append(one)
    return chosen


def _read_cache(cache: Path | None) -> dict[str, Looked]:
    if cache is None or not cache.exists():
        return {}
    looked = (Looked(**json.loads(line)) for line in cache.read_text().splitlines())
    return {one.name: one for one in looked}


def _all_names() -> list[str]:
    models = torchvision_models()
    return [
        *(f"torchvision/{name}" for name in models.list_models(module=models)),
        *(f"timm/{name}" for name in timm().list_models()),
        *(PREFIX + name for name in CLASSES),
    ]


def look_at(name: str) -> Looked:
    """Names, shapes and outputs of one architecture."""
    try:
        return _look_at(name)
    except (InvalidCheckpoint, RuntimeError, NotImplementedError, AttributeError) as error:
        return Looked(name, refused=f"cannot be built ({type(error).__name__})")


def _look_at(name: str) -> Looked:
    model = _bare(name)
    heads = [path for path, layer in model.named_modules() if _is_head(layer)]
    if len(heads) != 1:
        return Looked(name, refused=f"{len(heads)} linear layers give its classes")
    make_head_linear(model, heads[0])
    size, mean, std = _usual_input(name, model)
    family = f"{type(model).__module__}.{type(model).__name__} {heads[0]}"
    looked = Looked(name, family=family, head=heads[0], size=size, mean=mean, std=std)
    layer = model.get_submodule(heads[0])
    assert isinstance(layer, nn.Linear)
    looked.features = layer.in_features
    looked.parameters = sum(parameter.numel() for parameter in model.parameters())
    looked.parameters -= (_UNLIKELY - 1000) * (layer.in_features + 1)
    if looked.parameters > _MAX_PARAMETERS:
        return Looked(name, refused=f"{looked.parameters:,} numbers are too many")
    _look_at_tensors(looked, _body(model, heads[0]))
    return looked


def _is_head(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d) and is_pointwise(layer):
        return layer.out_channels == _UNLIKELY
    return isinstance(layer, nn.Linear) and layer.out_features == _UNLIKELY


def _look_at_tensors(looked: Looked, body: Mapping[str, tuple[int, ...]]) -> None:
    """Hashes of names and shapes, without those that depend on the input: `loose`."""
    loose = _changed(body, looked, channels=1, image_size=None)
    for factor in (2, 1.5) if may_take_size(looked.name) else ():
        other = int(looked.size * factor)
        if (changed := _changed(body, looked, channels=3, image_size=other)) is not None:
            looked.sized = True
            loose = (loose or set()) | changed
            break
    looked.loose = sorted(loose or ())
    looked.names = hash_of_names(body)
    looked.shapes = hash_of_shapes({n: s for n, s in body.items() if n not in looked.loose})


def _changed(
    body: Mapping[str, tuple[int, ...]], looked: Looked, *, channels: int, image_size: int | None
) -> set[str] | None:
    """Which tensors have another shape then; None where the architecture does not take it."""
    try:
        model = _bare(looked.name, channels=channels, image_size=image_size)
    except (InvalidCheckpoint, RuntimeError, NotImplementedError, AttributeError):
        return None
    other = _body(model, looked.head)
    return (
        {n for n, shape in body.items() if other.get(n) != shape}
        if set(other) == set(body)
        else None
    )


def _bare(name: str, *, channels: int = 3, image_size: int | None = None) -> nn.Module:
    return without_weights(
        lambda: build_model(name, n_classes=_UNLIKELY, channels=channels, image_size=image_size)
    )


def _body(model: nn.Module, head: str) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(tensor.shape)
        for name, tensor in model.state_dict().items()
        if not is_counter(name) and name not in {f"{head}.weight", f"{head}.bias"}
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


def look_at_outputs(looked: Looked) -> None:
    """Logits of one picture under weights that follow from the tensors' names."""
    sizes = (_USUAL_IMAGE, looked.size) if looked.sized else (_SMALL_IMAGE, looked.size)
    for size in sizes:
        try:
            looked.outputs = _outputs(looked, size)
        except (InvalidCheckpoint, RuntimeError, ValueError, AssertionError):
            continue
        if not looked.outputs:
            looked.refused = "its logits are not one linear layer on its features"
        return
    looked.refused = "it computes nothing from a picture"


def _outputs(looked: Looked, size: int) -> list[float]:
    with torch.random.fork_rng(devices=[]):
        model = build_model(
            looked.name, n_classes=_N_CLASSES, channels=3, image_size=size if looked.sized else None
        )
    make_head_linear(model, looked.head)
    spec = NetworkSpec(looked.name, looked.features, 3, size, _N_CLASSES)
    network = LibraryNetwork(spec, model, head_name=looked.head).eval()
    for name, tensor in network.state_dict().items():
        if tensor.dtype.is_floating_point:
            tensor.copy_(_numbers(name, tensor))
    picture = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    logits = network(picture)
    from_features = network.head(network.embed(picture))
    scale = logits.abs().max().clamp(min=1e-6)
    same = (
        logits.shape == from_features.shape and (logits - from_features).abs().max() < _SAME * scale
    )
    return (logits[0] / scale).tolist() if same else []


def _numbers(name: str, tensor: Tensor) -> Tensor:
    """Numbers of usual size for such a tensor, the same for every tensor of this name and shape."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    generator = torch.Generator().manual_seed(seed)
    if name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):
        return torch.rand(tensor.shape, generator=generator) + 0.5
    fan_in = tensor[0].numel() if tensor.dim() > 1 else 100
    drawn: Tensor = torch.randn(tensor.shape, generator=generator) / max(fan_in, 1) ** 0.5
    return drawn


def _written(looked: Iterable[Looked]) -> str:
    """The index as JSON, one architecture a line."""
    looked = list(looked)
    odd = {one.family for one in looked if one.family and one.refused}
    kept = [one for one in looked if not one.refused and one.family not in odd]
    functions = _functions(kept)
    head = {
        "made_with": {name: version(name) for name in ("timm", "torchvision", "transformers")},
        "columns": [
            "name", "head", "features", "size", "sized", "parameters", "mean", "std", "names",
            "shapes", "loose", "function",
        ],
    }  # fmt: skip
    lines = [
        json.dumps(
            [
                one.name, one.head, one.features, one.size, one.sized, one.parameters,
                [round(value, 4) for value in one.mean], [round(value, 4) for value in one.std],
                one.names, one.shapes, one.loose, functions[one.name],
            ],
            separators=(",", ":"),
        )
        for one in kept
    ]  # fmt: skip
    text = json.dumps(head)[:-1]
    return f'{text}, "architectures": [\n' + ",\n".join(lines) + "\n]}\n"


def _functions(looked: Iterable[Looked]) -> dict[str, int]:
    """A number for each architecture; twins that compute the same share it."""
    twins: dict[tuple[str, str], list[Looked]] = defaultdict(list)
    for one in looked:
        twins[one.names, one.shapes].append(one)
    numbers: dict[str, int] = {}
    count = 0
    for group in twins.values():
        firsts: list[tuple[Looked, int]] = []
        for one in group:
            same = (number for first, number in firsts if _agree(first, one))
            number = next(same, -1)
            if number < 0:
                number, count = count, count + 1
                firsts.append((one, number))
            numbers[one.name] = number
    return numbers


def _agree(one: Looked, other: Looked) -> bool:
    return (
        one.head == other.head
        and bool(one.outputs)
        and bool(other.outputs)
        and all(abs(a - b) < _SAME for a, b in zip(one.outputs, other.outputs, strict=True))
    )


if __name__ == "__main__":
    main()
