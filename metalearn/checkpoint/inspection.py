"""What is in a file, as plain data and without running any of it."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from metalearn.checkpoint.fingerprint import fingerprint
from metalearn.checkpoint.reading import read_tensors_and_metadata
from metalearn.checkpoint.recognition import (
    USUAL_IMAGE_SIZES,
    detect,
    only_image_size,
    recognise,
)
from metalearn.checkpoint.writing import METADATA_KEY
from metalearn.networks import NetworkSpec


def inspect_checkpoint(
    path: Path, architecture: str | None = None, image_size: int | None = None
) -> dict[str, Any]:
    """Architecture, input, classes, tensors and fingerprint; JSON-ready.

    What the file does not tell is None: the image size of networks that pool their features, the
    class names of files that others wrote. Raises InvalidCheckpoint when the file cannot be read,
    or is not of the `architecture` asked for.
    """
    tensors, metadata = read_tensors_and_metadata(path)
    card = _card(metadata)
    size = image_size or _positive_int(card.get("image_size"))
    spec = _spec(tensors, architecture, size)
    return {
        "architecture": spec.architecture if spec else None,
        "width": spec.width if spec else None,
        "channels": spec.channels if spec else None,
        "image_size": size or (only_image_size(tensors, spec.architecture) if spec else None),
        "n_classes": spec.n_classes if spec else None,
        "class_names": _texts(card.get("class_names")),
        "mean": _numbers(card.get("mean")),
        "std": _numbers(card.get("std")),
        "n_parameters": count_parameters(tensors),
        "size_bytes": path.stat().st_size,
        "fingerprint": fingerprint(tensors),
        "tensors": [
            {
                "name": name,
                "dtype": str(tensor.dtype).removeprefix("torch."),
                "shape": list(tensor.shape),
            }
            for name, tensor in tensors.items()
        ],
    }


def count_parameters(tensors: dict[str, Tensor]) -> int:
    """Numbers in all floating-point tensors, batch-norm's statistics included."""
    return sum(t.numel() for t in tensors.values() if t.dtype.is_floating_point)


def _spec(
    tensors: dict[str, Tensor], architecture: str | None, size: int | None
) -> NetworkSpec | None:
    if architecture and size:
        return recognise(tensors, architecture, size)
    if architecture:
        fitting = detect(tensors, USUAL_IMAGE_SIZES)
        if fitting and fitting.architecture == architecture:
            return fitting
        return recognise(tensors, architecture, USUAL_IMAGE_SIZES[0])
    return detect(tensors, [size] if size else USUAL_IMAGE_SIZES)


def _card(metadata: dict[str, str]) -> dict[str, object]:
    """Our own metadata; it comes out of the file, so that nothing in it is believed."""
    try:
        card = json.loads(metadata.get(METADATA_KEY, "{}"))
    except (ValueError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}


def _positive_int(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _texts(value: object) -> list[str] | None:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if good else None  # type: ignore[return-value]


def _numbers(value: object) -> list[float] | None:
    good = isinstance(value, list) and all(type(item) in {int, float} for item in value)
    return value if good else None  # type: ignore[return-value]
