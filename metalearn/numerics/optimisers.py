from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.numerics.muon import Muon


class OptimiserState:
    """An optimiser's moments as plain data with string keys and tensor values.

    torch's own form contains integer keys, tuples and None, which a snapshot cannot store. The
    omitted parts come from the run's settings.
    """

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser

    def state_dict(self) -> dict[str, Any]:
        return {
            str(index): dict(self.optimiser.state[parameter])
            for index, parameter in enumerate(self._parameters())
            if parameter in self.optimiser.state
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        # Fused optimisers need the step count on the weights' device, others on the CPU.
        fused = bool(self.optimiser.defaults.get("fused"))
        for index, parameter in enumerate(self._parameters()):
            self.optimiser.state.pop(parameter, None)
            if moments := state.get(str(index)):
                self.optimiser.state[parameter] = {
                    name: value.clone().to(
                        parameter.device if fused or name != "step" else torch.device("cpu")
                    )
                    for name, value in moments.items()
                }

    def _parameters(self) -> list[torch.Tensor]:
        return [p for group in self.optimiser.param_groups for p in group["params"]]


class ScheduledOptimisers:
    """Muon for `kernels`, Adam for all other weights. The learning rates given are peaks."""

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

    def set_rate_share(self, share: float) -> None:
        for name, optimiser in self.by_name.items():
            for group in optimiser.param_groups:
                group["lr"] = share * self._highest[name]

    def step(self) -> None:
        for optimiser in self.by_name.values():
            optimiser.step()

    def parts(self) -> dict[str, Stateful]:
        """Return the moments for a snapshot. Rates follow from the step number."""
        return {name: OptimiserState(optimiser) for name, optimiser in self.by_name.items()}
