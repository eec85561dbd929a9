"""Calibration by statistics: adapts batch-norm to the support images without a gradient.

Running statistics describe the learner's training images. Mixed with the support set's, they fit
the images to come, and predictions remain independent of each other. Every layer already uses its
mixture during the measurement; otherwise the layers of a deep network no longer match
(docs/benchmarks/calibration.md).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from metalearn.learning.inner_loop import PureNetwork, Weights
from metalearn.networks.batchnorm import mixed_in_passing
from metalearn.shapes import Batch, Images, Scalar

PICTURES_FOR_HALF = 25
"""With this many support images, both statistics have the same weight."""

NO_BATCHNORM = "This learner has no batch-norm, so its statistics were not calibrated."

Moments = Mapping[str, Tensor]


def share_of(n_pictures: int, share: float) -> float:
    """Return the support set's weight; 0 asks for the rule n / (n + 25)."""
    return share or n_pictures / (n_pictures + PICTURES_FOR_HALF)


def with_mirror_images(images: Images) -> Tensor:
    return torch.cat([images, images.flip(-1)])


def chunks_for_statistics(images: Images, at_once: int) -> list[Batch]:
    """Return the images with their flips, in chunks of about `at_once`.

    Each chunk takes every k-th image, which distributes images sorted by class evenly.
    """
    n_chunks = math.ceil(2 * len(images) / max(2, at_once))
    return [with_mirror_images(images[first::n_chunks]) for first in range(n_chunks)]


def moments_of(
    network: PureNetwork, weights: Weights, images: Images, *, share: float | Scalar
) -> dict[str, Tensor]:
    """Return mean and variance of every batch-norm layer's input, by statistic name."""
    with torch.no_grad(), mixed_in_passing(network.structure, share) as moments:
        network.features(weights, images)
    return moments


def mixed_statistics(
    network: PureNetwork, weights: Weights, chunks: Iterable[Batch], *, share: float
) -> dict[str, Tensor]:
    """Mix running statistics with those of normalised images, for `with_statistics`.

    Empty for a network without batch-norm.
    """
    pooled = _pooled([(len(one), moments_of(network, weights, one, share=share)) for one in chunks])
    running = network.statistics()
    return {
        name: ((1 - share) * running[name] + share * value).to(running[name].dtype)
        for name, value in pooled.items()
    }


def _pooled(parts: Sequence[tuple[int, Moments]]) -> dict[str, Tensor]:
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
