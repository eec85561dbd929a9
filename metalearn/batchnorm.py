"""Batch-norm statistics: read while a network runs, compared, and estimated anew."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from metalearn.networks import Network
from metalearn.shapes import Images, Scalar


@dataclass(frozen=True)
class LayerStatistics:
    """Mean and (biased) variance of one layer's input, and what the layer remembers of them."""

    batch_mean: Tensor
    batch_var: Tensor
    running_mean: Tensor
    running_var: Tensor


@contextmanager
def recorded_statistics(network: nn.Module) -> Iterator[list[LayerStatistics]]:
    """Collects the statistics of every batch-norm layer that runs inside the `with` block.

    The list grows with each forward pass. The hooks are taken off again in any case.
    """
    records: list[LayerStatistics] = []

    def record(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, _BatchNorm)
        if layer.running_mean is None or layer.running_var is None:
            return
        x = inputs[0].float()
        rest = [dim for dim in range(x.ndim) if dim != 1]
        mean = x.mean(rest, keepdim=True)
        # Not torch.var, which takes several times as long on a CPU.
        mean, var = mean.flatten(), (x - mean).square().mean(rest)
        records.append(LayerStatistics(mean, var, layer.running_mean, layer.running_var))

    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    hooks = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        yield records
    finally:
        for hook in hooks:
            hook.remove()


def batchnorm_loss(records: list[LayerStatistics], *, like: Tensor) -> Scalar:
    """Distance between batch and remembered statistics, mean over the layers.

    Per layer ||mean - running mean||_2 + ||var - running var||_2 (DeepInversion, PURER). The
    papers take the sum over layers; the mean gives networks of unlike depth the same weight.
    Zero for a network without batch-norm.
    """
    if not records:
        return like.new_zeros(())
    distances = [
        _distance(r.batch_mean, r.running_mean) + _distance(r.batch_var, r.running_var)
        for r in records
    ]
    return torch.stack(distances).mean()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    # The small number keeps the gradient finite where both are equal.
    return ((a - b).square().sum() + 1e-12).sqrt()


@torch.no_grad()
def reestimate_statistics(network: Network, batches: Iterable[Images]) -> None:
    """Set the running statistics (in place) to their plain average over normalised batches.

    While a network learns, its running statistics lag behind its weights; inductive
    adaptation needs those of the final weights.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    was_training = network.training
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's word for a cumulative average
    network.train()
    for batch in batches:
        network.embed(batch)
    network.train(was_training)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
