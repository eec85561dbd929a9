from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from metalearn.algorithms.free.settings import FreeSettings
from metalearn.networks import Network
from metalearn.numerics.optimisers import ScheduledOptimisers
from metalearn.recovery.inversion import RecoveredTask


class LearnerWithHeads(nn.Module):
    """The learner with its teacher-specific heads, if any, which are discarded after training."""

    def __init__(self, network: Network, heads: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network
        self.heads = heads


Distillation = Callable[[LearnerWithHeads], Tensor]
"""Loss between the learner's and some teachers' outputs on a batch of images."""


@runtime_checkable
class Distiller(Protocol):
    """A way of querying teachers about the images recovered from them."""

    def losses(self, tasks: Sequence[RecoveredTask]) -> list[Distillation]: ...


def shared_loss(loss: Distillation, trained: LearnerWithHeads) -> Callable[[Network], Tensor]:
    return lambda network: loss(LearnerWithHeads(network, trained.heads))


def optimisers_of(trained: LearnerWithHeads, config: FreeSettings) -> ScheduledOptimisers:
    """Return the optimisers. Heads use Adam, since Muon is not meant for their few rows."""
    weights = list(trained.parameters())
    kernels = [w for w in weights if w.ndim > 2 and config.outer_optimiser == "muon"]
    turned = {id(kernel) for kernel in kernels}
    others = [w for w in weights if id(w) not in turned]
    return ScheduledOptimisers(
        kernels, others, kernel_lr=config.kernel_lr, other_lr=config.outer_lr
    )
