"""Gradients handed to an optimiser by hand."""

from collections.abc import Iterable

import torch
from torch import Tensor


def set_gradients(parameters: Iterable[Tensor], gradients: Iterable[Tensor | None]) -> None:
    """Set each parameter's gradient, laid out in memory as the parameter is; None stays None.

    PyTorch's fused optimisers on CPU (seen in 2.13) walk through both as they lie in memory, so a
    gradient in another order, such as that of a channels-last convolution, moves the wrong
    weights without a word. `backward()` keeps the order, `torch.autograd.grad` does not.
    """
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None and gradient.stride() != parameter.stride():
            gradient = torch.empty_like(parameter).copy_(gradient)
        parameter.grad = gradient
