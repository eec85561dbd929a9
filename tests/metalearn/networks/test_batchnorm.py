"""Hooks come off, statistics are the layers' own, and can be estimated anew."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from metalearn.networks.batchnorm import (
    LayerStatistics,
    batchnorm_loss,
    fused_moments,
    plain_moments,
    recorded_statistics,
    reestimate_statistics,
)


def n_hooks(network: nn.Module) -> int:
    return sum(len(layer._forward_pre_hooks) for layer in network.modules())


def test_hooks_are_taken_off_after_a_normal_run(make_teacher: Callable[..., Any]) -> None:
    network = make_teacher().network
    with recorded_statistics(network) as records:
        network(torch.rand(2, 3, 16, 16))
        assert n_hooks(network) == 4
    assert len(records) == 4
    assert n_hooks(network) == 0


def test_hooks_are_taken_off_when_the_network_fails(make_teacher: Callable[..., Any]) -> None:
    network = make_teacher().network
    with pytest.raises(RuntimeError), recorded_statistics(network):
        network(torch.rand(2, 5, 16, 16))
    assert n_hooks(network) == 0


@pytest.mark.parametrize("fused", [False, True])
def test_recorded_statistics_are_those_batchnorm_itself_uses(fused: bool) -> None:
    layer = nn.BatchNorm2d(3, momentum=1.0)
    x = torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    with recorded_statistics(nn.Sequential(layer).eval(), fused=fused) as records:
        layer(x)
    layer.train()(x)  # momentum 1: the running statistics become the batch's, unbiased
    n = 6 * 5 * 5
    assert torch.allclose(records[0].batch_mean, layer.get_buffer("running_mean"), atol=1e-6)
    unbiased = records[0].batch_var * n / (n - 1)
    assert torch.allclose(unbiased, layer.get_buffer("running_var"), atol=1e-5)


@pytest.mark.parametrize("moments", [plain_moments, fused_moments])
@pytest.mark.parametrize("shape", [(6, 3, 5, 4), (7, 3), (1, 3), (1, 3, 1, 1)])
def test_moments_and_their_gradients_are_those_of_the_usual_formulas(
    moments: Callable[..., Any], shape: tuple[Any, ...]
) -> None:
    rng = torch.Generator().manual_seed(0)
    x = 3 + 2 * torch.randn(shape, generator=rng, dtype=torch.float64)
    weights = torch.randn(2, 3, generator=rng, dtype=torch.float64)
    rest = [dim for dim in range(x.ndim) if dim != 1]
    plain = x.clone().requires_grad_()
    expected = plain.mean(rest), plain.var(rest, correction=0)
    (weights[0] * expected[0] + weights[1] * expected[1]).sum().backward()
    own = x.clone().requires_grad_()
    found = moments(own)
    (weights[0] * found[0] + weights[1] * found[1]).sum().backward()
    assert all(torch.allclose(a, b) for a, b in zip(found, expected, strict=True))
    assert own.grad is not None and plain.grad is not None
    assert torch.allclose(own.grad, plain.grad)


@pytest.mark.parametrize("moments", [plain_moments, fused_moments])
def test_moments_of_half_the_bits_are_counted_in_float32(moments: Callable[..., Any]) -> None:
    x = (8 + torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))).bfloat16()
    mean, var = moments(x)
    assert mean.dtype == var.dtype == torch.float32
    exact = x.double()
    assert torch.allclose(mean.double(), exact.mean((0, 2, 3)), rtol=1e-5)
    assert torch.allclose(var.double(), exact.var((0, 2, 3), correction=0), rtol=1e-4)


def test_the_loss_is_the_mean_over_layers_of_two_distances() -> None:
    zero, one = torch.zeros(4), torch.ones(4)
    records = [LayerStatistics(one, one, zero, zero), LayerStatistics(zero, zero, zero, zero)]
    loss = batchnorm_loss(records, like=zero)
    assert loss.item() == pytest.approx((2.0 + 2.0) / 2, abs=1e-5)


def test_the_gradient_is_finite_where_statistics_agree_exactly() -> None:
    mean = torch.zeros(4, requires_grad=True)
    loss = batchnorm_loss([LayerStatistics(mean, mean, torch.zeros(4), torch.zeros(4))], like=mean)
    (gradient,) = torch.autograd.grad(loss, mean)
    assert torch.isfinite(gradient).all()


def test_a_network_without_batchnorm_gives_zero() -> None:
    assert batchnorm_loss([], like=torch.rand(2)).item() == 0


def test_reestimated_statistics_are_the_plain_average_and_the_mode_is_kept(
    make_teacher: Callable[..., Any],
) -> None:
    network = make_teacher().network.eval()
    batches = list(torch.rand(4, 8, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    reestimate_statistics(network, batches)
    first = network.blocks[0]
    outputs = [first.conv(batch) for batch in batches]
    mean = torch.stack([x.mean((0, 2, 3)) for x in outputs]).mean(0)
    assert torch.allclose(first.norm.running_mean, mean, atol=1e-5)
    assert not network.training
    assert first.norm.momentum == 0.1
