"""Networks that normalise their images themselves, with values stored beside their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from metalearn.checkpoint.weights import Weights
from metalearn.errors import InvalidCheckpoint

_MEAN, _STD = ("mean", "pixel_mean", "image_mean"), ("std", "pixel_std", "image_std")
_TOLERANCE = 1e-3
# Standard deviations above this are for pixels from 0 to 255.
_FROM_255 = 1.5


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation per channel, for pixels from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def inside(weights: Weights, left_out: Sequence[str], channels: int) -> Normalisation | None:
    """Return the mean and deviation among the unused tensors, if both exist."""
    mean, std = (_named(weights.shapes, left_out, names, channels) for names in (_MEAN, _STD))
    if mean is None or std is None:
        return None
    tensors = weights.read([mean, std])
    means, stds = _numbers(tensors[mean]), _numbers(tensors[std])
    scale = 255 if max(stds) > _FROM_255 else 1
    return Normalisation(tuple(m / scale for m in means), tuple(s / scale for s in stds))


def check_inside(found: Normalisation | None, mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise InvalidCheckpoint if the network's own normalisation differs from the declared one."""
    if found is None:
        return
    given = [*mean, *std]
    own = [*found.mean, *found.std]
    if len(given) != len(own) or any(
        abs(a - b) > _TOLERANCE for a, b in zip(given, own, strict=True)
    ):
        raise InvalidCheckpoint(
            "The network normalises its images itself, with mean "
            f"{_shown(found.mean)} and standard deviation {_shown(found.std)}; "
            "declare these values; they are applied only once."
        )


def _named(
    shapes: Mapping[str, tuple[int, ...]],
    left_out: Sequence[str],
    names: Sequence[str],
    channels: int,
) -> str | None:
    found = [
        name
        for name in left_out
        if name.rpartition(".")[2].lstrip("_") in names
        and sorted(shapes.get(name, ()))[-1:] == [channels]
        and all(length in {1, channels} for length in shapes[name])
    ]
    return found[0] if len(found) == 1 else None


def _numbers(tensor: Tensor) -> list[float]:
    return [float(value) for value in tensor.flatten().tolist()]


def _shown(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers)
