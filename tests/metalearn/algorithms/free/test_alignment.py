"""The Reptile direction and the agreement of gradients, on functions whose answer is known."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metalearn.algorithms.free.alignment import gradient_agreement, sequential_descent


class Point(nn.Module):
    """A network that is nothing but its weights."""

    def __init__(self, at: torch.Tensor) -> None:
        super().__init__()
        self.at = nn.Parameter(at.clone())


def quadratics(n: int) -> tuple[list[Tensor], list[Tensor]]:
    rng = torch.Generator().manual_seed(n)
    hessians = []
    for _ in range(n):
        root = torch.randn(3, 3, generator=rng, dtype=torch.float64)
        hessians.append(root @ root.T)
    return hessians, list(torch.randn(n, 3, generator=rng, dtype=torch.float64))


def as_losses(hessians: list[Tensor], centres: list[Tensor]) -> list[Callable[..., Any]]:
    return [
        lambda point, h=h, c=c: 0.5 * (point.at - c) @ h @ (point.at - c)
        for h, c in zip(hessians, centres, strict=True)
    ]


def test_the_direction_averaged_over_orders_is_the_taylor_expansion_of_alignment() -> None:
    # algorithms.md 1.6: mean gradient minus lr/2 times the gradient of sum_{i<j} g_i.g_j, over T.
    hessians, centres = quadratics(3)
    start = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    lr = 1e-4
    losses = as_losses(hessians, centres)
    directions = [
        sequential_descent(Point(start), [losses[i] for i in order], lr=lr).direction[0]
        for order in itertools.permutations(range(3))
    ]
    at = start.clone().requires_grad_()
    gradients = [h @ (at - c) for h, c in zip(hessians, centres, strict=True)]
    pairs = itertools.combinations(gradients, 2)
    products = torch.stack([one @ other for one, other in pairs]).sum()
    (slope,) = torch.autograd.grad(products, at)
    plain = sum(gradients).detach() / 3
    expected = plain - lr / 2 * slope / 3
    measured = torch.stack(directions).mean(0)
    assert torch.allclose(measured, expected, atol=1e-5 * lr + 1e-6 * lr * slope.norm())
    assert not torch.allclose(measured, plain, atol=lr / 100)


def test_one_step_on_one_loss_is_its_gradient() -> None:
    hessians, centres = quadratics(1)
    start = torch.zeros(3, dtype=torch.float64)
    descent = sequential_descent(Point(start), as_losses(hessians, centres), lr=0.01)
    assert torch.allclose(descent.direction[0], -hessians[0] @ centres[0])
    assert descent.losses == [pytest.approx(0.5 * (centres[0] @ hessians[0] @ centres[0]).item())]


def test_the_released_codes_adam_walks_another_way_than_the_theorems_sgd() -> None:
    hessians, centres = quadratics(3)
    start = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    losses = as_losses(hessians, centres)
    found = sequential_descent(Point(start), losses, lr=0.01, optimiser="adam").direction[0]
    by_hand = start.clone().requires_grad_()
    adam = torch.optim.Adam([by_hand], lr=0.01)
    for hessian, centre in zip(hessians, centres, strict=True):
        by_hand.grad = (hessian @ (by_hand - centre)).detach()
        adam.step()
    torch.testing.assert_close(found, (start - by_hand.detach()) / (3 * 0.01))
    sgd = sequential_descent(Point(start), losses, lr=0.01).direction[0]
    assert not torch.allclose(found, sgd, rtol=0.1)


def test_descent_leaves_the_network_alone() -> None:
    hessians, centres = quadratics(2)
    point = Point(torch.ones(3, dtype=torch.float64))
    sequential_descent(point, as_losses(hessians, centres), lr=0.1, steps_per_loss=3)
    assert torch.equal(point.at.detach(), torch.ones(3, dtype=torch.float64))
    assert point.at.grad is None


def test_following_the_direction_aligns_what_plain_descent_does_not() -> None:
    # Two losses that agree in one coordinate and quarrel in the other.
    def first(point: Point) -> Tensor:
        return point.at[0].square() + (point.at[1] - 1).square() * (1 + point.at[0])

    def second(point: Point) -> Tensor:
        return point.at[0].square() + (point.at[1] + 1).square() * (1 + point.at[0])

    def follow(lr: float) -> float:
        point = Point(torch.tensor([1.0, 0.0], dtype=torch.float64))
        for turn in range(40):
            losses = [first, second] if turn % 2 else [second, first]
            direction = sequential_descent(point, losses, lr=lr).direction[0]
            point.at.data -= 0.02 * direction
        return gradient_agreement(point, [first, second]).inner_product

    assert follow(0.2) > follow(1e-6)


def test_agreement_of_equal_and_of_opposite_gradients() -> None:
    point = Point(torch.tensor([1.0, 2.0]))
    up, down = (lambda p: p.at.sum()), (lambda p: -p.at.sum())
    assert gradient_agreement(point, [up, up]).cosine == pytest.approx(1)
    assert gradient_agreement(point, [up, down]).inner_product == pytest.approx(-2)
    mixed = gradient_agreement(point, [up, up, down])
    assert mixed.cosine == pytest.approx(-1 / 3, abs=1e-6)
