"""Batch-norm statistics: recorded during a forward pass, compared, and re-estimated."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from metalearn.networks import Network
from metalearn.shapes import Batch, Scalar


@dataclass(frozen=True)
class LayerStatistics:
    """Mean and (biased) variance of one layer's input, beside the layer's running statistics."""

    batch_mean: Tensor
    batch_var: Tensor
    running_mean: Tensor
    running_var: Tensor


@contextmanager
def recorded_statistics(
    network: nn.Module, *, fused: bool = False
) -> Iterator[list[LayerStatistics]]:
    """Record the statistics of every batch-norm layer that runs inside the `with` block.

    The list grows with each forward pass. `fused` takes a third of the time. Without it, only plain
    operations are used, which can be differentiated twice and traced for the browser.
    """
    moments = fused_moments if fused else plain_moments
    records: list[LayerStatistics] = []

    def record(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, _BatchNorm)
        if layer.running_mean is None or layer.running_var is None:
            return
        mean, var = moments(inputs[0])
        records.append(LayerStatistics(mean, var, layer.running_mean, layer.running_var))

    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    hooks = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        yield records
    finally:
        for hook in hooks:
            hook.remove()


def has_batchnorm(network: nn.Module) -> bool:
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    return any(layer.running_mean is not None for layer in layers)


@contextmanager
def mixed_in_passing(network: nn.Module, share: float | Scalar) -> Iterator[dict[str, Tensor]]:
    """Mix each batch-norm layer's running statistics with those of its input.

    Each layer at once uses (1 - share) * running + share * batch, so the next layer sees the input
    it will see later. Yields the batch's mean and (biased) variance by the names of the running
    statistics. Buffers are replaced, which `functional_call` undoes.
    """
    moments: dict[str, Tensor] = {}

    def mix(layer: nn.Module, inputs: tuple[Tensor, ...], *, name: str) -> None:
        assert isinstance(layer, _BatchNorm)
        assert layer.running_mean is not None
        assert layer.running_var is not None
        mean, var = plain_moments(inputs[0])
        moments[f"{name}.running_mean"], moments[f"{name}.running_var"] = mean, var
        layer.running_mean = (1 - share) * layer.running_mean + share * mean
        layer.running_var = (1 - share) * layer.running_var + share * var

    hooks = [
        layer.register_forward_pre_hook(partial(mix, name=name))
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None
    ]
    try:
        yield moments
    finally:
        for hook in hooks:
            hook.remove()


def plain_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance, (c,) each, of a batch (n, c, ...), in float32 or better."""
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    rest = [dim for dim in range(x.ndim) if dim != 1]
    mean = x.mean(rest, keepdim=True)
    # Not torch.var, which is several times slower on a CPU.
    return mean.flatten(), (x - mean).square().mean(rest)


def fused_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute `plain_moments` with the batch-norm kernel; differentiable only once."""
    moments: tuple[Tensor, Tensor] = _ChannelMoments.apply(x)  # type: ignore[no-untyped-call]
    return moments


class _ChannelMoments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        n = x.numel() // x.shape[1]
        zero = x.new_zeros(x.shape[1], dtype=torch.promote_types(x.dtype, torch.float32))
        one, mean, var = zero + 1, zero.clone(), zero.clone()
        if n > 1:
            # Momentum 1: the running statistics become the batch's, the variance unbiased.
            torch.native_batch_norm(x, one, zero, mean, var, True, 1.0, 1.0)
            # The element count must be a plain operand, as browser graphs read it at run time.
            var.sub_(var / n)
        else:
            mean += x.flatten()
        ctx.save_for_backward(x, mean)
        return mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        x, mean = ctx.saved_tensors
        of_mean, of_var = gradients
        n = x.numel() // x.shape[1]
        slope = 2 * of_var / n
        offset = of_mean / n - slope * mean
        shape = [1, -1] + [1] * (x.ndim - 2)
        return torch.addcmul(offset.to(x.dtype).view(shape), x, slope.to(x.dtype).view(shape))


def batchnorm_loss(records: list[LayerStatistics], *, like: Tensor) -> Scalar:
    """Return the distance between batch and running statistics, as a mean over the layers.

    Per layer ||mean - running mean||_2 + ||var - running var||_2 (DeepInversion, PURER). The papers
    sum over layers; the mean weighs networks of different depth equally. Zero without batch-norm.
    """
    if not records:
        return like.new_zeros(())
    distances = [
        _distance(r.batch_mean, r.running_mean) + _distance(r.batch_var, r.running_var)
        for r in records
    ]
    return torch.stack(distances).mean()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    # The epsilon keeps the gradient finite where both are equal.
    return ((a - b).square().sum() + 1e-12).sqrt()


@torch.no_grad()
def reestimate_statistics(network: Network, batches: Iterable[Batch]) -> None:
    """Set the running statistics (in place) to their plain average over normalised batches.

    During training, running statistics lag behind the weights; inductive adaptation needs those of
    the final weights.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    was_training = network.training
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's way to ask for a cumulative average
    network.train()
    for batch in batches:
        network.embed(batch)
    network.train(was_training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
