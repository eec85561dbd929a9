"""Description of a file as plain data, without running any of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from contract.declared import DeclaredFile
from metalearn.checkpoint.fingerprint import fingerprint
from metalearn.checkpoint.matching import USUAL_IMAGE_SIZES, match_as
from metalearn.checkpoint.model import ReadModel, read_model
from metalearn.networks.index import the_index


def inspect_checkpoint(
    path: Path,
    architecture: str | None = None,
    image_size: int | None = None,
    weights: str | None = None,
) -> dict[str, Any]:
    """Return architecture, input, classes, tensors and fingerprint as JSON-ready data.

    Unknown facts are None. Raises InvalidCheckpoint if an upload would be refused for its content.
    """
    return inspect_model(
        read_model(
            path,
            DeclaredFile(
                architecture=architecture or "",
                image_size=image_size or 0,
                weights=weights or "",
                file_name=path.name,
            ),
        ),
        image_size,
    )


def inspect_model(model: ReadModel, image_size: int | None = None) -> dict[str, Any]:
    """Describe a model that is already read, as `inspect_checkpoint` does."""
    spec, said = model.spec, model.said
    own = model.normalisation or said
    # Freehold's own card may have unprintable names, which `said` leaves out.
    names = _texts(model.card.get("class_names")) or _listed(said.class_names)
    return {
        "architecture": spec.architecture,
        "width": spec.width,
        "channels": spec.channels,
        "image_size": image_size or _told_size(model),
        "n_classes": spec.n_classes,
        "class_names": names if names and len(names) == spec.n_classes else None,
        "mean": _listed(own.mean),
        "std": _listed(own.std),
        "licence": said.licence,
        "description": said.description,
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
    """Count the elements of all floating-point tensors, batch-norm statistics included."""
    return sum(t.numel() for t in tensors.values() if t.dtype.is_floating_point)


def _told_size(model: ReadModel) -> int | None:
    """Return the size the file gives if it fits, else the only size that fits, else None."""
    if model.said.image_size == model.spec.image_size:
        return model.spec.image_size
    indexed = the_index().by_name.get(model.spec.architecture)
    if indexed:
        return model.spec.image_size if indexed.facts.fixed_size else None
    shapes = {name: tuple(tensor.shape) for name, tensor in model.tensors.items()}
    fitting = (s for s in USUAL_IMAGE_SIZES if match_as(shapes, model.spec.architecture, s))
    first, second = next(fitting, None), next(fitting, None)
    return first if second is None else None


def _listed(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _texts(value: object) -> list[str] | None:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if good else None  # type: ignore[return-value]
