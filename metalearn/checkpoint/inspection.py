"""What is in a file, as plain data and without running any of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from metalearn.checkpoint.fingerprint import fingerprint
from metalearn.checkpoint.matching import USUAL_IMAGE_SIZES, match_as
from metalearn.checkpoint.model import ReadModel, Wanted, read_model
from metalearn.networks.index import the_index


def inspect_checkpoint(
    path: Path,
    architecture: str | None = None,
    image_size: int | None = None,
    weights: str | None = None,
) -> dict[str, Any]:
    """Architecture, input, classes, how it was read, tensors and fingerprint; JSON-ready.

    What the file does not tell is None. Raises InvalidCheckpoint wherever an upload would be
    refused for what is in the file.
    """
    model = read_model(path, Wanted(architecture, image_size, weights, path.name))
    card, said = model.card, model.said
    size = image_size or _positive_int(card.get("image_size")) or said.image_size
    if size and size != model.spec.image_size:
        model = read_model(path, Wanted(architecture, size, weights, path.name))
    spec, own = model.spec, model.normalisation
    names = _texts(card.get("class_names")) or _listed(said.class_names)
    return {
        "architecture": spec.architecture,
        "width": spec.width,
        "channels": spec.channels,
        "image_size": size or _told_size(model),
        "n_classes": spec.n_classes,
        "class_names": names if names and len(names) == spec.n_classes else None,
        "mean": _numbers(card.get("mean")) or _listed(own.mean if own else said.mean),
        "std": _numbers(card.get("std")) or _listed(own.std if own else said.std),
        "licence": said.licence,
        **model.reading(),
        "n_parameters": count_parameters(model.tensors),
        "size_bytes": model.size_bytes,
        "fingerprint": fingerprint(model.tensors),
        "tensors": [
            {
                "name": name,
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
            }
            for name, tensor in model.tensors.items()
        ],
    }


def count_parameters(tensors: Mapping[str, Tensor]) -> int:
    """Numbers in all floating-point tensors, batch-norm's statistics included."""
    return sum(t.numel() for t in tensors.values() if t.dtype.is_floating_point)


def _told_size(model: ReadModel) -> int | None:
    """The size of the images where only one fits the tensors; None where any does."""
    indexed = the_index().by_name.get(model.spec.architecture)
    if indexed:
        return model.spec.image_size if indexed.facts.fixed_size else None
    shapes = {name: tuple(tensor.shape) for name, tensor in model.tensors.items()}
    fitting = (s for s in USUAL_IMAGE_SIZES if match_as(shapes, model.spec.architecture, s))
    first, second = next(fitting, None), next(fitting, None)
    return first if second is None else None


def _listed(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _positive_int(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _texts(value: object) -> list[str] | None:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if good else None  # type: ignore[return-value]


def _numbers(value: object) -> list[float] | None:
    good = isinstance(value, list) and all(type(item) in {int, float} for item in value)
    return value if good else None  # type: ignore[return-value]
