"""Muon: gradient steps with an orthogonalised update matrix.

Gradients of a convolution have nearly low rank, so few directions of its kernel learn at a time.
Muon replaces the momentum's singular values by values near one. A Chorus learner reaches the same
loss in a fifth of AdamW's updates.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks",
https://kellerjordan.github.io/posts/muon/. torch's own version accepts matrices only, not kernels.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the iteration: steep at zero, so that small singular values grow quickly."""
N_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Muon for kernels (outputs, inputs, height, width) and matrices (outputs, inputs).

    The learning rate is the step length in each direction and independent of the gradient's norm.
    """

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})
        flat = [p for group in self.param_groups for p in group["params"] if p.ndim < 2]
        if flat:
            raise ValueError("Muon takes matrices and kernels; give vectors to another optimiser.")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - group["momentum"])
        # Nesterov momentum.
        ahead = torch.lerp(gradient, momentum, group["momentum"])
        matrix = ahead.reshape(len(ahead), -1)
        n_out, n_in = matrix.shape
        change = orthogonalised(matrix).view(parameter.shape)
        parameter.add_(change, alpha=-group["lr"] * max(1.0, n_out / n_in) ** 0.5)


def orthogonalised(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Return about U V^T for the matrix's U S V^T; singular values end up between 0.7 and 1.2.

    Uses Newton-Schulz iteration, which needs only matrix products.
    """
    first, third, fifth = QUINTIC
    wide = matrix.float() / (matrix.float().norm() + 1e-7)
    tall = wide.shape[0] > wide.shape[1]
    if tall:
        wide = wide.T
    for _ in range(N_ITERATIONS):
        square = wide @ wide.T
        wide = first * wide + (third * square + fifth * square @ square) @ wide
    result: Tensor = wide.T if tall else wide
    return result.to(matrix.dtype)
