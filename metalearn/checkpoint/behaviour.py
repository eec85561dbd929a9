"""Trial runs of a model on pictures of every kind, before it may enter a pool.

A job asks a model for more than a forward pass on one picture: features, gradients with respect to
the picture, and answers to pictures that gradients have moved. Weights can be made so that one of
these fails and ends other people's jobs.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.batchnorm import LayerStatistics, batchnorm_loss, recorded_statistics
from metalearn.pool import Teacher
from metalearn.procedural.textures import texture_task
from metalearn.shapes import Images

# Trained networks stay below 1e6; the squares of these are still finite in single precision.
_MAX_MEAN, _MAX_VARIANCE = 1e9, 1e12
# Of the largest logit. Rounding in single precision alone is 1e-7.
_LEAST_SPREAD = 1e-6
_STEP = 0.1
_N_NOISE, _N_DRAWN = 2, 2
_TRAINED = "check that the file is a trained model and that the normalisation is right."


def check_behaviour(teacher: Teacher) -> None:
    """Raise InvalidCheckpoint unless the model behaves on white, black, noise and drawn pictures.

    Logits, features and the gradient with respect to a picture must be finite, also after a step
    along that gradient; logits must depend on the picture; statistics of batch-norm are bounded.
    """
    images = _pictures(teacher)
    with torch.no_grad(), recorded_statistics(teacher.network) as records:
        features = teacher.network.embed(teacher.prepare(images))
    _check_statistics(records)
    with torch.no_grad():
        logits = teacher.logits(images)
    _check_finite(features, "features")
    _check_finite(logits, "outputs")
    _check_spread(logits)
    gradient = _gradient(teacher, images[-1:])
    _check_finite(gradient, "gradients")
    moved = (images[-1:] - _STEP * gradient.sign()).clamp(0, 1)
    with torch.no_grad():
        _check_finite(teacher.logits(moved), "outputs")


def _pictures(teacher: Teacher) -> Images:
    """White, black, noise and drawn pictures, `(6, C, H, W)` in [0, 1]. Noise differs each time."""
    shape = (teacher.channels, teacher.image_size, teacher.image_size)
    rng = torch.Generator()
    rng.seed()
    drawn = texture_task(
        n_way=_N_DRAWN,
        k_shot=1,
        n_query=0,
        channels=teacher.channels,
        image_size=teacher.image_size,
        rng=rng,
    ).support_images
    plain = torch.stack([torch.ones(shape), torch.zeros(shape)])
    return torch.cat([plain, torch.rand((_N_NOISE, *shape), generator=rng), drawn])


def _gradient(teacher: Teacher, images: Images) -> Images:
    """Return the gradient that recovery follows: of the classification and batch-norm losses."""
    images = images.clone().requires_grad_()
    with torch.enable_grad(), recorded_statistics(teacher.network, fused=True) as records:
        logits = teacher.logits(images)
        loss = cross_entropy(logits, logits.argmax(1)) + batchnorm_loss(records, like=logits)
    (gradient,) = torch.autograd.grad(loss, images)
    return gradient


def _check_statistics(records: list[LayerStatistics]) -> None:
    for layer in records:
        if layer.running_mean.abs().max() > _MAX_MEAN or layer.running_var.max() > _MAX_VARIANCE:
            raise InvalidCheckpoint(
                "The model's batch-norm statistics are far too large; the file is damaged or the "
                "training diverged, upload an earlier checkpoint."
            )


def _check_finite(values: Tensor, what: str) -> None:
    if not torch.isfinite(values).all():
        raise InvalidCheckpoint(
            f"The model's {what} on white, black, noise and drawn pictures are not all finite; "
            f"{_TRAINED}"
        )


def _check_spread(logits: Tensor) -> None:
    spread = (logits - logits.mean(0)).abs().max()
    if spread <= _LEAST_SPREAD * logits.abs().max():
        raise InvalidCheckpoint(
            "The model gives the same outputs for every picture; it is untrained or damaged, "
            "upload a trained checkpoint."
        )
