"""From a support set to a classifier: inner loop, optional calibration, head."""

from typing import cast

import torch
from torch import Tensor

from metalearn.inner_loop import (
    BatchNormMode,
    Precision,
    PureNetwork,
    Weights,
    balanced_targets,
    class_centroids,
    head_from_centroids,
    sgd_step,
)
from metalearn.meta_learner.adaptation_settings import AdaptationSettings
from metalearn.meta_learner.classifier import CHUNK, Classifier
from metalearn.meta_learner.support import draw_batch
from metalearn.networks import Network


def adapted_classifier(
    network: Network,
    images: Tensor,
    labels: Tensor,
    *,
    normalisation: tuple[tuple[float, ...], tuple[float, ...]],
    settings: AdaptationSettings,
    rng: torch.Generator,
) -> Classifier:
    """Adapt to normalised support images, as the settings say."""
    pure = PureNetwork(
        network,
        batchnorm=cast(BatchNormMode, settings.batchnorm),
        precision=cast(Precision, settings.precision),
    )
    weights: Weights = pure.weights()
    centroids = None
    if settings.head == "sgd":
        weights = _inner_loop(pure, weights, images, labels, settings=settings, rng=rng)
    else:
        centroids = _centroids(pure, weights, images, labels)
    mean, std = normalisation
    return Classifier(pure, weights, mean, std, centroids, settings.temperature)


def _inner_loop(
    pure: PureNetwork,
    weights: Weights,
    images: Tensor,
    labels: Tensor,
    *,
    settings: AdaptationSettings,
    rng: torch.Generator,
) -> Weights:
    n_way = int(labels.max()) + 1
    weights = _with_head(pure, weights, images, labels, settings=settings)
    for _ in range(settings.inner_steps):
        batch = draw_batch(labels, settings.batch_size, rng).to(labels.device)
        targets = balanced_targets(labels[batch], n_way)
        _, weights = sgd_step(pure, weights, images[batch], targets, lr=settings.inner_lr)
    return weights


def _with_head(
    pure: PureNetwork,
    weights: Weights,
    images: Tensor,
    labels: Tensor,
    *,
    settings: AdaptationSettings,
) -> Weights:
    """The weights with a head of as many rows as there are classes."""
    n_way = int(labels.max()) + 1
    if settings.head_init == "learned" and n_way == len(weights[pure.head_weight]):
        return weights
    features = _features(pure, weights, images)
    weight, bias = head_from_centroids(
        class_centroids(features, balanced_targets(labels, n_way)),
        temperature=settings.temperature,
        feature_norm=features.norm(dim=1).mean(),
    )
    return {**weights, pure.head_weight: weight, pure.head_bias: bias}


def _centroids(pure: PureNetwork, weights: Weights, images: Tensor, labels: Tensor) -> Tensor:
    targets = balanced_targets(labels, int(labels.max()) + 1)
    return class_centroids(_features(pure, weights, images), targets)


@torch.no_grad()
def _features(pure: PureNetwork, weights: Weights, images: Tensor) -> Tensor:
    size = CHUNK if pure.batchnorm == "inductive" else len(images)
    chunks = torch.split(images, size)
    return torch.cat([pure.features(weights, chunk) for chunk in chunks])
