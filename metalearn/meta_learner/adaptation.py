"""Adaptation of a learner to a support set: inner loop, optional calibration, head."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from metalearn.learning.calibration import AdaptedHead, Calibration, ContrastiveForm, calibrate
from metalearn.learning.inner_loop import (
    BatchNormMode,
    PureNetwork,
    Weights,
    balanced_targets,
    class_centroids,
    prototype_head,
    sgd_step,
)
from metalearn.learning.support_statistics import (
    NO_BATCHNORM,
    chunks_for_statistics,
    mixed_statistics,
    share_of,
)
from metalearn.meta_learner.adaptation_settings import AdaptationSettings
from metalearn.meta_learner.classifier import Classifier
from metalearn.meta_learner.support import draw_batch, images_at_once
from metalearn.networks import Network
from metalearn.numerics.ridge import RidgeHead, ridge_head


@dataclass(frozen=True)
class Support:
    """A checked support set: normalised images of the learner's size, and labels."""

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
    """Adapt to a support set as the settings say. `normalisation` is (mean, std)."""
    adaptation = _Adaptation(network, support, settings, rng)
    weights: Weights = adaptation.pure.weights()
    if settings.calibrate == "statistics":
        adaptation.mix_statistics(weights)
    if settings.head == "sgd":
        weights = adaptation.inner_loop(adaptation.with_head(weights))
    if settings.calibrate == "icfil":
        weights = adaptation.calibrated(weights, adaptation.head(weights))
    return adaptation.classifier(weights, normalisation)


class _Adaptation:
    """The stages of one adaptation, sharing its support set, settings and generator."""

    def __init__(
        self, network: Network, support: Support, settings: AdaptationSettings, rng: torch.Generator
    ) -> None:
        self.support = support
        self.settings = settings
        self.rng = rng
        self.remarks: tuple[str, ...] = ()
        self.pure = PureNetwork(
            network, batchnorm=cast(BatchNormMode, settings.batchnorm), precision=settings.precision
        )

    def mix_statistics(self, weights: Weights) -> None:
        """Mix the support set's batch-norm statistics into the network from here on."""
        images = self.support.images
        share = share_of(len(images), self.settings.statistics_share)
        chunks = chunks_for_statistics(images, images_at_once(images.shape[-1]))
        mixed = mixed_statistics(self.pure, weights, chunks, share=share)
        self.remarks = () if mixed else (NO_BATCHNORM,)
        self.pure = self.pure.with_statistics(mixed)

    def with_head(self, weights: Weights) -> Weights:
        """Return the weights with a linear head that has one row per class."""
        learned = len(weights[self.pure.head_weight]) == self.support.n_way
        if self.settings.head_init == "learned" and learned:
            return weights
        features = self._features(weights)
        targets = balanced_targets(self.support.labels, self.support.n_way)
        weight, bias = prototype_head(features, targets, temperature=self.settings.temperature)
        return {**weights, self.pure.head_weight: weight, self.pure.head_bias: bias}

    def inner_loop(self, weights: Weights) -> Weights:
        for images, labels in self._batches(self.settings.inner_steps):
            targets = balanced_targets(labels, self.support.n_way)
            _, weights = sgd_step(self.pure, weights, images, targets, lr=self.settings.inner_lr)
        return weights

    def ridge(self, weights: Weights) -> RidgeHead:
        """Fit the ridge head to the support set and, if wanted, its mirror images."""
        features, labels = self._features(weights), self.support.labels
        if self.settings.mirror_support:
            mirrored = self._features(weights, self.support.images.flip(-1))
            features, labels = torch.cat([features, mirrored]), labels.repeat(2)
        targets = balanced_targets(labels, self.support.n_way)
        return ridge_head(features, targets, temperature=self.settings.temperature)

    def head(self, weights: Weights) -> AdaptedHead:
        """Return the head: centroids of the support set, or the weights' own linear head.

        For ridge, centroids stand in while ICFIL inverts the learner.
        """
        if self.settings.head == "sgd":
            return AdaptedHead(None, 1.0)
        return AdaptedHead(self._centroids(self._features(weights)), self.settings.temperature)

    def calibrated(self, weights: Weights, head: AdaptedHead) -> Weights:
        settings = self.settings
        calibration = Calibration(
            pseudo_images=settings.pseudo_images,
            inversion_steps=settings.inversion_steps,
            inversion_lr=settings.inversion_lr,
            lr=settings.calibration_lr,
            temperature=settings.calibration_temperature,
            form=cast(ContrastiveForm, settings.icfil_loss),
        )
        return calibrate(
            self.pure,
            weights,
            self._batches(settings.calibration_steps),
            head=head,
            calibration=calibration,
            rng=self.rng,
        )

    def classifier(
        self, weights: Weights, normalisation: tuple[tuple[float, ...], tuple[float, ...]]
    ) -> Classifier:
        mean, std = normalisation
        made = Classifier(self.pure, weights, mean, std, remarks=self.remarks)
        if self.settings.head == "ridge":
            return replace(made, ridge=self.ridge(weights))
        head = self.head(weights)
        return replace(made, centroids=head.centroids, temperature=float(head.temperature))

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
    def _features(self, weights: Weights, images: Tensor | None = None) -> Tensor:
        images = self.support.images if images is None else images
        # Transductive statistics are those of the whole set.
        inductive = self.pure.batchnorm == "inductive"
        size = images_at_once(images.shape[-1]) if inductive else len(images)
        chunks = torch.split(images, size)
        return torch.cat([self.pure.features(weights, chunk) for chunk in chunks])
