"""A batch's pass through a teacher, with batch-norm statistics, in bounded memory.

A large network keeps tens of megabytes per image until its gradient is computed. A batch above the
limit is processed in portions, whose forward pass is repeated for the gradient. A frozen network
treats every image independently, and batch statistics are means over images, so the results are
equal up to rounding.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.autograd.graph import saved_tensors_hooks

from metalearn.networks import NetworkSpec
from metalearn.networks.batchnorm import LayerStatistics, recorded_statistics
from metalearn.numerics.precision import autocast, uses_bf16
from metalearn.pool import Teacher
from metalearn.shapes import Images, Logits


@dataclass(frozen=True)
class Limits:
    """Memory limit for kept activations, and number format of a teacher's pass."""

    max_bytes: int
    precision: str


def seen_by(
    teacher: Teacher, images: Images, limits: Limits
) -> tuple[Logits, list[LayerStatistics]]:
    """Return float32 logits of images in [0, 1] and the batch-norm layers' statistics.

    Both are differentiable.
    """
    size = images_at_once(teacher, images, limits)
    if size >= len(images):
        return _look(teacher, images, limits.precision)
    portions = _Portions(teacher, limits.precision, size)
    logits, *moments = _InPortions.apply(images, portions)  # type: ignore[no-untyped-call]
    n_layers = len(portions.remembered)
    rows = zip(moments[:n_layers], moments[n_layers:], portions.remembered, strict=True)
    return logits, [LayerStatistics(mean, var, *running) for mean, var, running in rows]


@torch.no_grad()
def said_by(teacher: Teacher, images: Images, limits: Limits) -> Logits:
    """Return float32 logits of images in [0, 1], without a gradient."""
    portions = torch.split(images, images_at_once(teacher, images, limits))
    with autocast(limits.precision, images.device):
        return torch.cat([teacher.logits(portion).float() for portion in portions])


def images_at_once(teacher: Teacher, like: Images, limits: Limits) -> int:
    return max(1, limits.max_bytes // max(1, bytes_kept(teacher, limits.precision, like.device)))


def bytes_kept(teacher: Teacher, precision: str, device: torch.device) -> int:
    """Return the bytes that a teacher's layers keep per image until the gradient is computed."""
    key = (teacher.spec, uses_bf16(precision, device))
    if key not in _measured:
        # The difference between two images and one leaves out the weights and copies of them.
        one, two = (_bytes_of(teacher, n, precision, device) for n in (1, 2))
        _measured[key] = two - one
    return _measured[key]


_measured: dict[tuple[NetworkSpec, bool], int] = {}


def _bytes_of(teacher: Teacher, n: int, precision: str, device: torch.device) -> int:
    storages: dict[int, int] = {}
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)  # keeps its address from being reused
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    size = teacher.image_size
    images = torch.zeros(n, teacher.channels, size, size, device=device, requires_grad=True)
    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
        _look(teacher, images, precision)
    return sum(storages.values())


def _look(teacher: Teacher, images: Images, precision: str) -> tuple[Logits, list[LayerStatistics]]:
    with (
        recorded_statistics(teacher.network, fused=True) as records,
        autocast(precision, images.device),
    ):
        logits = teacher.logits(images).float()
    return logits, records


@dataclass
class _Portions:
    """Settings of a pass in portions; `remembered` are the layers' running means and variances."""

    teacher: Teacher
    precision: str
    size: int
    remembered: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def look(self, images: Images) -> tuple[Logits, list[LayerStatistics]]:
        logits, records = _look(self.teacher, images, self.precision)
        self.remembered = [(record.running_mean, record.running_var) for record in records]
        return logits, records


class _InPortions(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, portions: _Portions) -> tuple[Tensor, ...]:
        logits, records, shares = [], [], []
        for portion in torch.split(images, portions.size):
            said, met = portions.look(portion)
            logits.append(said)
            records.append(met)
            shares.append(len(portion) / len(images))
        layers = [list(layer) for layer in zip(*records, strict=True)]
        means = [_weighted([one.batch_mean for one in layer], shares) for layer in layers]
        variances = [
            _weighted([_moved(one, mean) for one in layer], shares)
            for layer, mean in zip(layers, means, strict=True)
        ]
        ctx.save_for_backward(images, *means)
        ctx.portions = portions
        return (torch.cat(logits), *means, *variances)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_logits: Tensor, *of_moments: Tensor) -> tuple[Tensor, None]:
        images, *means = ctx.saved_tensors
        size, gradients = ctx.portions.size, []
        parts = zip(torch.split(images, size), torch.split(of_logits, size), strict=True)
        for portion, wanted in parts:
            share = len(portion) / len(images)
            with torch.enable_grad():
                portion = portion.detach().requires_grad_()
                logits, records = ctx.portions.look(portion)
                # The variance about the whole batch's mean does not change with that mean.
                pairs = list(zip(records, means, strict=True))
                moments = [share * record.batch_mean for record, _ in pairs]
                moments += [share * _moved(record, mean) for record, mean in pairs]
                (gradient,) = torch.autograd.grad(
                    [logits, *moments], portion, [wanted, *of_moments]
                )
            gradients.append(gradient)
        return torch.cat(gradients), None


def _moved(record: LayerStatistics, mean: Tensor) -> Tensor:
    return record.batch_var + (record.batch_mean - mean).square()


def _weighted(values: list[Tensor], shares: list[float]) -> Tensor:
    return torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum(0)
