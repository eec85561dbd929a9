"""A meta-learner after adapting to one support set."""

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
    """Tells the classes of one support set apart. It shares no tensor that later changes."""

    network: PureNetwork
    weights: Weights
    mean: tuple[float, ...]
    std: tuple[float, ...]
    centroids: Tensor | None = None
    temperature: float = 1.0
    ridge: RidgeHead | None = None
    """Decides in place of centroids and the network's own head."""
    remarks: tuple[str, ...] = ()
    """What was asked for and could not be done, in sentences."""

    @property
    def n_way(self) -> int:
        """Number of classes."""
        if self.ridge is not None:
            return len(self.ridge.bias)
        rows = self.weights[self.network.head_weight] if self.centroids is None else self.centroids
        return len(rows)

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities (n, n_way) for images in [0, 1] of any size, (n, c, h, w).

        Raises InvalidSetting when the steps of the adaptation ran away.
        """
        probabilities = self.logits(images).softmax(1)
        if not bool(probabilities.isfinite().all()):
            raise InvalidSetting(
                "The adaptation ran away from its support set; lower inner_lr or calibration_lr."
            )
        return probabilities

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Logits (n, n_way) for images in [0, 1] of any size, (n, c, h, w)."""
        spec = self.network.structure.spec
        check_images(images, spec.channels)
        device = next(iter(self.weights.values())).device
        prepared = prepare_images(
            images.to(device),
            size=spec.image_size,
            mean=self.mean,
            std=self.std,
        )
        # Transductive results depend on the batch, so it must not be cut.
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
