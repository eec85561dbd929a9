from collections.abc import Iterable

import torch
from torch import Tensor


def set_gradients(parameters: Iterable[Tensor], gradients: Iterable[Tensor | None]) -> None:
    """Set each parameter's gradient in the parameter's memory layout; None stays None.

    PyTorch's fused CPU optimisers (seen in 2.13) iterate over both in memory order, so a gradient
    in another layout, such as a channels-last convolution's, silently updates the wrong weights.
    `backward()` keeps the layout, `torch.autograd.grad` does not.
    """
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if gradient is not None and gradient.stride() != parameter.stride():
            gradient = torch.empty_like(parameter).copy_(gradient)
        parameter.grad = gradient
