"""Implicit gradient alignment (BELL): steps on one teacher after another, then a Reptile update."""

import copy
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from metalearn.numerics.gradients import set_gradients
from metalearn.shapes import Scalar

N = TypeVar("N", bound=nn.Module)


class Descent(NamedTuple):
    """Mean gradient along a path, one tensor per parameter, and the losses along it."""

    direction: list[Tensor]
    losses: list[float]


def sequential_descent(
    network: N,
    losses: Sequence[Callable[[N], Scalar]],
    *,
    lr: float,
    steps_per_loss: int = 1,
    optimiser: str = "sgd",
) -> Descent:
    """Descend on each loss in turn, with plain SGD on a clone, and return the Reptile direction.

    The direction is (theta - theta_end) / (lr * number of steps), the mean of the gradients along
    the way. To first order in lr, its expectation over the order of the losses is the gradient of
    the mean loss minus lr/2 times that of the gradients' pairwise inner products, so following it
    aligns the losses' gradients (algorithms.md 1.6; Nichol et al. 2018).

    `optimiser` "adam" is the released code's, with fresh moments; the identity does not hold for
    it.
    """
    clone = copy.deepcopy(network)
    weights = list(clone.parameters())
    step = _adam_step(weights, lr) if optimiser == "adam" else partial(_descend_, weights, lr=lr)
    met: list[float] = []
    for loss_of in losses:
        for _ in range(steps_per_loss):
            loss = loss_of(clone)
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
            met.append(float(loss.detach()))
            step(gradients)
    scale = lr * len(met)
    pairs = zip(network.parameters(), weights, strict=True)
    return Descent([(before.detach() - after.detach()) / scale for before, after in pairs], met)


def _adam_step(
    weights: Sequence[nn.Parameter], lr: float
) -> Callable[[Sequence[Tensor | None]], None]:
    adam = torch.optim.Adam(weights, lr=lr, fused=True)

    def step(gradients: Sequence[Tensor | None]) -> None:
        set_gradients(weights, gradients)
        adam.step()

    return step


def _descend_(
    weights: Sequence[nn.Parameter], gradients: Sequence[Tensor | None], *, lr: float
) -> None:
    with torch.no_grad():
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                weight.sub_(gradient, alpha=lr)


class Agreement(NamedTuple):
    inner_product: float
    cosine: float


def gradient_agreement(network: N, losses: Sequence[Callable[[N], Scalar]]) -> Agreement:
    """Return the mean pairwise inner product and cosine of the losses' gradients.

    The network does not change, batch-norm buffers included. A single loss is compared with itself.
    """
    clone = copy.deepcopy(network)
    weights = list(clone.parameters())
    rows = []
    for loss_of in losses:
        gradients = torch.autograd.grad(loss_of(clone), weights, allow_unused=True)
        rows.append(torch.cat([_flat(g, w) for g, w in zip(gradients, weights, strict=True)]))
    pairs = list(itertools.combinations(range(len(rows)), 2)) or [(0, 0)]
    first = torch.stack([rows[i] for i, _ in pairs])
    second = torch.stack([rows[j] for _, j in pairs])
    cosines = nn.functional.cosine_similarity(first, second)
    return Agreement(float((first * second).sum(1).mean()), float(cosines.mean()))


def _flat(gradient: Tensor | None, weight: Tensor) -> Tensor:
    return (torch.zeros_like(weight) if gradient is None else gradient).flatten()
