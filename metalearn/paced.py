"""Optimisers of one network that step together and whose rates go up and down together."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import OptimiserState
from metalearn.muon import Muon


class PacedOptimisers:
    """Muon for some kernels, Adam for all other weights; the rates given are the highest."""

    def __init__(
        self,
        kernels: Iterable[Tensor],
        others: Iterable[Tensor],
        *,
        kernel_lr: float,
        other_lr: float,
    ) -> None:
        kernels = list(kernels)
        self.by_name: dict[str, torch.optim.Optimizer] = {
            "vector_optimiser": torch.optim.Adam(others, lr=other_lr, fused=True)
        }
        if kernels:
            self.by_name["kernel_optimiser"] = Muon(kernels, lr=kernel_lr)
        self._highest = {name: one.defaults["lr"] for name, one in self.by_name.items()}

    def pace(self, share: float) -> None:
        """From now on take this share of the highest rates."""
        for name, optimiser in self.by_name.items():
            for group in optimiser.param_groups:
                group["lr"] = share * self._highest[name]

    def step(self) -> None:
        """One step along every gradient there is."""
        for optimiser in self.by_name.values():
            optimiser.step()

    def parts(self) -> dict[str, Stateful]:
        """The moments, for a snapshot; rates depend on the place in the run and need no saving."""
        return {name: OptimiserState(optimiser) for name, optimiser in self.by_name.items()}
