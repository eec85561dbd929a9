"""Calibration by statistics: batch-norm learns what the support pictures look like, no gradient.

The running statistics are those of the learner's own pictures. Mixed with the support set's, they
fit the pictures that come next, and still judge each picture by itself. Every layer uses its own
mixture while it is measured: measured with the statistics as they were, the layers of a deep
network no longer fit one another (docs/benchmarks/calibration.md).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from metalearn.learning.inner_loop import PureNetwork, Weights
from metalearn.networks.batchnorm import mixed_in_passing
from metalearn.shapes import Batch, Images, Scalar

PICTURES_FOR_HALF = 25
"""As many support pictures have as much say as what the network remembers."""

NO_BATCHNORM = "This learner has no batch-norm, so its statistics were not calibrated."

Moments = Mapping[str, Tensor]


def share_of(n_pictures: int, share: float) -> float:
    """The share of the support set; 0 asks for the rule n / (n + 25)."""
    return share or n_pictures / (n_pictures + PICTURES_FOR_HALF)


def with_mirror_images(images: Images) -> Tensor:
    """The images, and then each of them mirrored."""
    return torch.cat([images, images.flip(-1)])


def chunks_for_statistics(images: Images, at_once: int) -> list[Batch]:
    """Images with their mirror images, about `at_once` together.

    Each chunk takes every k-th image, so that images that are sorted by class are spread evenly.
    """
    n_chunks = math.ceil(2 * len(images) / max(2, at_once))
    return [with_mirror_images(images[first::n_chunks]) for first in range(n_chunks)]


def moments_of(
    network: PureNetwork, weights: Weights, images: Images, *, share: float | Scalar
) -> dict[str, Tensor]:
    """Mean and variance of every batch-norm layer's input, by the names of its statistics."""
    with torch.no_grad(), mixed_in_passing(network.structure, share) as moments:
        network.features(weights, images)
    return moments


def mixed_statistics(
    network: PureNetwork, weights: Weights, chunks: Iterable[Batch], *, share: float
) -> dict[str, Tensor]:
    """Running statistics mixed with those of normalised images, for `with_statistics`.

    Empty for a network without batch-norm.
    """
    pooled = _pooled([(len(one), moments_of(network, weights, one, share=share)) for one in chunks])
    running = network.statistics()
    return {
        name: ((1 - share) * running[name] + share * value).to(running[name].dtype)
        for name, value in pooled.items()
    }


def _pooled(parts: Sequence[tuple[int, Moments]]) -> dict[str, Tensor]:
    """The moments of all images together, from those of parts and how many images they have."""
    n = sum(size for size, _ in parts)
    pooled: dict[str, Tensor] = {}
    for mean_name in [name for name in parts[0][1] if name.endswith("running_mean")]:
        var_name = mean_name.removesuffix("mean") + "var"
        mean = sum((size / n) * part[mean_name] for size, part in parts)
        pooled[mean_name] = torch.as_tensor(mean)
        spread = sum(
            (size / n) * (part[var_name] + (part[mean_name] - mean).square())
            for size, part in parts
        )
        pooled[var_name] = torch.as_tensor(spread)
    return pooled
