"""Ridge regression head: a linear map from features to the support set's classes, in closed form.

Bertinetto et al. 2019 solve it in the dual (eq. 5), whose matrix has a row per image rather than
per feature. Here features have unit length, every class has the same weight, and the bias comes
from the mean feature. With few images that mean is unreliable, so it counts in part.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.shapes import Features, Logits, Scalar

REGULARISER = 1.0
"""For features of unit length. Accuracy varies by half a point between 0.1 and 3."""


def share_of_mean(rows: int, n_way: int) -> float:
    """Return the weight given to a support set's mean feature; `rows` include flipped images.

    1/2 for one image per class and its flip, 5/6 for five. At full weight, 1-shot accuracy on
    traffic signs fell below that of prototypes: docs/benchmarks/calibration.md.
    """
    each = rows / n_way
    return each / (each + 2)


@dataclass(frozen=True)
class RidgeHead:
    """A linear head for features of unit length: weight (n_way, features), bias (n_way,)."""

    weight: Tensor
    bias: Tensor

    def logits(self, features: Features) -> Logits:
        """Return logits for features of any length."""
        return F.linear(F.normalize(features, dim=1), self.weight, self.bias)


def ridge_head(features: Features, targets: Logits, *, temperature: float | Scalar) -> RidgeHead:
    """Fit the head of a support set; `targets` come from `balanced_targets`.

    Scores are roughly in [0, 1] before division by the temperature.
    """
    share = targets.sum(1, keepdim=True)
    x = F.normalize(features, dim=1)
    mean, expected = (share * x).mean(0), targets.mean(0)
    root = share.sqrt()
    centred = root * (x - mean)
    wanted = targets / root - root * expected
    kernel = centred @ centred.T
    kernel.diagonal().add_(REGULARISER)
    weight = torch.linalg.solve(kernel, wanted).T @ centred
    believed = share_of_mean(*targets.shape) * mean
    return RidgeHead(weight / temperature, (expected - weight @ believed) / temperature)
