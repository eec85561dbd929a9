"""From a support set to a classifier: inner loop, optional calibration, head."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from metalearn.calibration import AdaptedHead, Calibration, calibrate
from metalearn.inner_loop import (
    BatchNormMode,
    PureNetwork,
    Weights,
    balanced_targets,
    class_centroids,
    prototype_head,
    sgd_step,
)
from metalearn.meta_learner.adaptation_settings import AdaptationSettings
from metalearn.meta_learner.classifier import Classifier
from metalearn.meta_learner.support import draw_batch, images_at_once
from metalearn.networks import Network


@dataclass(frozen=True)
class Support:
    """A support set that was checked: normalised images of the learner's size, and labels."""

    images: Tensor
    labels: Tensor
    n_way: int


def adapted_classifier(
    network: Network,
    support: Support,
    settings: AdaptationSettings,
    *,
    normalisation: tuple[tuple[float, ...], tuple[float, ...]],
    rng: torch.Generator,
) -> Classifier:
    """Adapt to a support set, as the settings say. `normalisation` is (mean, std)."""
    adaptation = _Adaptation(network, support, settings, rng)
    weights: Weights = adaptation.pure.weights()
    if settings.head == "sgd":
        weights = adaptation.inner_loop(adaptation.with_head(weights))
    head = adaptation.head(weights)
    if settings.calibrate == "icfil":
        weights = adaptation.calibrated(weights, head)
        head = adaptation.head(weights)
    mean, std = normalisation
    return Classifier(adaptation.pure, weights, mean, std, head.centroids, float(head.temperature))


class _Adaptation:
    """The stages of one adaptation, which share its support set, settings and generator."""

    def __init__(
        self,
        network: Network,
        support: Support,
        settings: AdaptationSettings,
        rng: torch.Generator,
    ) -> None:
        self.support = support
        self.settings = settings
        self.rng = rng
        self.pure = PureNetwork(
            network,
            batchnorm=cast(BatchNormMode, settings.batchnorm),
            precision=settings.precision,
        )

    def with_head(self, weights: Weights) -> Weights:
        """The weights with a linear head of as many rows as there are classes."""
        learned = len(weights[self.pure.head_weight]) == self.support.n_way
        if self.settings.head_init == "learned" and learned:
            return weights
        features = self._features(weights)
        targets = balanced_targets(self.support.labels, self.support.n_way)
        weight, bias = prototype_head(features, targets, temperature=self.settings.temperature)
        return {**weights, self.pure.head_weight: weight, self.pure.head_bias: bias}

    def inner_loop(self, weights: Weights) -> Weights:
        """The weights after the inner steps."""
        for images, labels in self._batches(self.settings.inner_steps):
            targets = balanced_targets(labels, self.support.n_way)
            _, weights = sgd_step(self.pure, weights, images, targets, lr=self.settings.inner_lr)
        return weights

    def head(self, weights: Weights) -> AdaptedHead:
        """How the weights decide: through centroids of the support set, or the linear head."""
        if self.settings.head == "sgd":
            return AdaptedHead(None, 1.0)
        return AdaptedHead(self._centroids(self._features(weights)), self.settings.temperature)

    def calibrated(self, weights: Weights, head: AdaptedHead) -> Weights:
        """The weights after ICFIL."""
        settings = self.settings
        calibration = Calibration(
            pseudo_images=settings.pseudo_images,
            inversion_steps=settings.inversion_steps,
            inversion_lr=settings.inversion_lr,
            lr=settings.calibration_lr,
            temperature=settings.calibration_temperature,
        )
        return calibrate(
            self.pure,
            weights,
            self._batches(settings.calibration_steps),
            head=head,
            calibration=calibration,
            rng=self.rng,
        )

    def _batches(self, n: int) -> Iterator[tuple[Tensor, Tensor]]:
        images, labels = self.support.images, self.support.labels
        most = min(self.settings.batch_size, images_at_once(images.shape[-1]))
        size = max(self.support.n_way, most)
        for _ in range(n):
            picks = draw_batch(labels, size, self.rng).to(labels.device)
            yield images[picks], labels[picks]

    def _centroids(self, features: Tensor) -> Tensor:
        targets = balanced_targets(self.support.labels, self.support.n_way)
        return class_centroids(features, targets)

    @torch.no_grad()
    def _features(self, weights: Weights) -> Tensor:
        images = self.support.images
        # Transductive statistics are those of the whole set.
        inductive = self.pure.batchnorm == "inductive"
        size = images_at_once(images.shape[-1]) if inductive else len(images)
        chunks = torch.split(images, size)
        return torch.cat([self.pure.features(weights, chunk) for chunk in chunks])
