"""A meta-learner adapted to one support set."""

from dataclasses import dataclass

import torch
from torch import Tensor

from metalearn.errors import InvalidSetting
from metalearn.learning.inner_loop import PureNetwork, Weights, predict
from metalearn.meta_learner.support import check_images, images_at_once
from metalearn.numerics.preparation import prepare_images
from metalearn.numerics.ridge import RidgeHead


@dataclass(frozen=True)
class Classifier:
    """Classifier for the classes of one support set. It shares no tensor that changes later."""

    network: PureNetwork
    weights: Weights
    mean: tuple[float, ...]
    std: tuple[float, ...]
    centroids: Tensor | None = None
    temperature: float = 1.0
    ridge: RidgeHead | None = None
    """If set, used instead of centroids and the network's own head."""
    remarks: tuple[str, ...] = ()
    """What was requested but could not be done, in sentences."""

    @property
    def n_way(self) -> int:
        if self.ridge is not None:
            return len(self.ridge.bias)
        rows = self.weights[self.network.head_weight] if self.centroids is None else self.centroids
        return len(rows)

    def probabilities(self, images: Tensor) -> Tensor:
        """Return probabilities (n, n_way) for images in [0, 1] of any size, (n, c, h, w).

        Raises InvalidSetting if the adaptation diverged.
        """
        probabilities = self.logits(images).softmax(1)
        if not bool(probabilities.isfinite().all()):
            raise InvalidSetting(
                "The adaptation diverged; try fewer steps or turn calibration off."
            )
        return probabilities

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (n, n_way) for images in [0, 1] of any size, (n, c, h, w)."""
        spec = self.network.structure.spec
        check_images(images, spec.channels)
        device = next(iter(self.weights.values())).device
        prepared = prepare_images(
            images.to(device), size=spec.image_size, mean=self.mean, std=self.std
        )
        # Transductive results depend on the batch, so it must not be split.
        inductive = self.network.batchnorm == "inductive"
        size = images_at_once(spec.image_size) if inductive else max(len(prepared), 1)
        return torch.cat([self._chunk(chunk) for chunk in torch.split(prepared, size)])

    def _chunk(self, images: Tensor) -> Tensor:
        if self.ridge is not None:
            return self.ridge.logits(self.network.features(self.weights, images))
        return predict(
            self.network,
            self.weights,
            images,
            centroids=self.centroids,
            temperature=self.temperature,
        )
