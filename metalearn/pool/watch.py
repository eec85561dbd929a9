"""Finds the model whose answers are not finite numbers, before they spoil a run for all others."""

import torch
from torch import Tensor


class Watch:
    """Remembers whether a model answered finite images with finite numbers.

    It keeps one flag on the model's device and does not wait for it. Images that are not finite are
    the run's own fault, so what a model makes of them does not count.
    """

    def __init__(self) -> None:
        self._failed: Tensor | None = None

    @property
    def failed(self) -> bool:
        """Whether an answer or a gradient was not finite. Waits for the device."""
        return self._failed is not None and bool(self._failed)

    def see(self, prepared: Tensor, answer: Tensor) -> None:
        """Look at an answer, and later at the gradient with respect to the prepared images."""
        self._add(torch.isfinite(prepared.detach()).all(), answer)
        if prepared.requires_grad:
            prepared.register_hook(self._see_gradient)  # type: ignore[no-untyped-call]

    def _see_gradient(self, gradient: Tensor) -> None:
        self._add(torch.ones((), dtype=torch.bool, device=gradient.device), gradient)

    @torch.no_grad()
    def _add(self, counts: Tensor, values: Tensor) -> None:
        failed = counts & ~torch.isfinite(values.detach()).all()
        self._failed = failed if self._failed is None else self._failed.to(failed.device) | failed
