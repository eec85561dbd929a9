"""ICFIL, inversion calibration following the inner loop (PURER: Hu et al., CVPR 2023).

The adapted learner is inverted to recover pseudo images that it assigns to each class. A
contrastive loss then pulls features of real and pseudo images of a class together and pushes other
classes apart. The loss is the equation on the authors' poster; another form is a setting. Each step
is a pure function, so that it can be exported as a graph.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from metalearn.learning.inner_loop import (
    PureNetwork,
    Weights,
    classification_loss,
    descend,
    predict,
)
from metalearn.networks.batchnorm import batchnorm_loss, recorded_statistics
from metalearn.shapes import Images, Logits, Scalar

BATCHNORM_WEIGHT = 0.1
TOTAL_VARIATION_WEIGHT = 0.01
NOISE_GRID = 8
"""Side of the initial noise, which is enlarged to make it as smooth as an image."""


ContrastiveForm = Literal["poster", "cosine"]


@dataclass(frozen=True)
class AdaptedHead:
    """An adapted learner's head: linear, or centroids with a temperature."""

    centroids: Tensor | None
    temperature: float | Scalar


@dataclass(frozen=True)
class Calibration:
    pseudo_images: int
    inversion_steps: int
    inversion_lr: float
    lr: float
    temperature: float
    form: ContrastiveForm = "poster"


def inversion_loss(
    network: PureNetwork, weights: Weights, pseudo: Images, targets: Logits, *, head: AdaptedHead
) -> Scalar:
    """Return the loss of pseudo images: class, batch-norm statistics and smoothness.

    Cross entropy under the adapted learner, distance of the batch-norm statistics from the running
    ones, and total variation.
    """
    with recorded_statistics(network.structure) as records:
        logits = predict(
            network, weights, pseudo, centroids=head.centroids, temperature=head.temperature
        )
    return (
        classification_loss(logits, targets)
        + BATCHNORM_WEIGHT * batchnorm_loss(records, like=pseudo)
        + TOTAL_VARIATION_WEIGHT * _total_variation(pseudo)
    )


def inversion_step(
    network: PureNetwork,
    weights: Weights,
    pseudo: Images,
    targets: Logits,
    *,
    head: AdaptedHead,
    lr: float | Scalar,
) -> tuple[Scalar, Tensor]:
    """Take one step on normalised pseudo images; return the loss before it and the new images.

    Each image moves by `lr` in root mean square over its pixels, whatever its gradient's size. This
    is initially as fast as Adam, but stateless.
    """
    pseudo = pseudo.detach().requires_grad_()
    with torch.enable_grad():
        loss = inversion_loss(network, weights, pseudo, targets, head=head)
        (gradient,) = torch.autograd.grad(loss, pseudo)
    size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-12
    return loss.detach(), (pseudo - lr * gradient / size).detach()


def poster_loss(
    real: Float[Tensor, "real features"],
    pseudo: Float[Tensor, "pseudo features"],
    same_class: Bool[Tensor, "real pseudo"],
    *,
    temperature: float | Scalar,
) -> Scalar:
    """Return the poster's loss, with the sum over the pseudo images of a class outside the log.

    With s the dot product over temperature: - sum over real, sum over pseudo of the same class, of
    log(exp s / sum_{all pseudo} exp s). `same_class` is true where both are of one class.
    """
    shares = (real @ pseudo.T / temperature).log_softmax(1)
    return -shares.masked_fill(~same_class, 0.0).sum()


def cosine_loss(
    real: Float[Tensor, "real features"],
    pseudo: Float[Tensor, "pseudo features"],
    same_class: Bool[Tensor, "real pseudo"],
    *,
    temperature: float | Scalar,
) -> Scalar:
    """Return minus the log of the share of a real image's similarity to its own class.

    Deviates from the poster so that its scale does not grow with features or images. s is the
    cosine and the sum is inside: mean over real of -log(sum_{same} exp s / sum_{all} exp s).
    """
    likeness = F.normalize(real, dim=1) @ F.normalize(pseudo, dim=1).T / temperature
    own = likeness.masked_fill(~same_class, -torch.inf).logsumexp(1)
    return (likeness.logsumexp(1) - own).mean()


CONTRASTIVE_LOSSES: dict[ContrastiveForm, Callable[..., Scalar]] = {
    "poster": poster_loss,
    "cosine": cosine_loss,
}


def contrastive_step(
    network: PureNetwork,
    weights: Weights,
    real: tuple[Tensor, Tensor],
    pseudo: tuple[Tensor, Tensor],
    *,
    temperature: float | Scalar,
    lr: float | Scalar,
    form: ContrastiveForm = "poster",
) -> tuple[Scalar, dict[str, Tensor]]:
    """Take one gradient step on the feature extractor; return the loss before it and new weights.

    `real` and `pseudo` are (normalised images, labels). The head's weights do not change.
    """
    weights = {name: value.detach().requires_grad_() for name, value in weights.items()}
    n_real = len(real[0])
    with torch.enable_grad():
        features = network.features(weights, torch.cat([real[0], pseudo[0]]))
        same_class = real[1][:, None] == pseudo[1][None, :]
        loss = CONTRASTIVE_LOSSES[form](
            features[:n_real], features[n_real:], same_class, temperature=temperature
        )
        return loss.detach(), descend(loss, weights, lr=lr)


def calibrate(
    network: PureNetwork,
    weights: Weights,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    head: AdaptedHead,
    calibration: Calibration,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    """Return weights after ICFIL: one inversion of the adapted learner, then a step for each batch.

    `batches` are (normalised support images, labels), each containing every class. The head does
    not change; centroids must be recomputed from the new weights.
    """
    calibrated = dict(weights)
    pseudo: tuple[Tensor, Tensor] | None = None
    for images, labels in batches:
        if pseudo is None:
            classes = torch.arange(int(labels.max()) + 1, device=labels.device)
            pseudo_labels = classes.repeat_interleave(calibration.pseudo_images)
            recovered = recover_pseudo_images(
                network, weights, pseudo_labels, head=head, calibration=calibration, rng=rng
            )
            pseudo = (recovered, pseudo_labels)
        _, calibrated = contrastive_step(
            network,
            calibrated,
            (images, labels),
            pseudo,
            temperature=calibration.temperature,
            lr=calibration.lr,
            form=calibration.form,
        )
    return calibrated


def recover_pseudo_images(
    network: PureNetwork,
    weights: Weights,
    labels: Tensor,
    *,
    head: AdaptedHead,
    calibration: Calibration,
    rng: torch.Generator,
) -> Images:
    """Return normalised images, from smooth noise, that the learner classifies as `labels`."""
    spec = network.structure.spec
    n_way = int(labels.max()) + 1
    targets = F.one_hot(labels, n_way).float()
    noise = torch.randn(len(labels), spec.channels, NOISE_GRID, NOISE_GRID, generator=rng)
    like = next(iter(weights.values()))
    pseudo = enlarge_noise(noise.to(like.device, like.dtype), spec.image_size)
    for _ in range(calibration.inversion_steps):
        _, pseudo = inversion_step(
            network, weights, pseudo, targets, head=head, lr=calibration.inversion_lr
        )
    return pseudo


def enlarge_noise(noise: Images, image_size: int) -> Tensor:
    size = (image_size, image_size)
    return F.interpolate(noise, size, mode="bilinear", align_corners=False)


def _total_variation(images: Images) -> Scalar:
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean()
    right = (images[..., :, 1:] - images[..., :, :-1]).abs().mean()
    return down + right
