"""What alignment moves, what moves it, and what it descends on."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from metalearn.algorithms.free.settings import FreeSettings
from metalearn.networks import Network
from metalearn.numerics.optimisers import ScheduledOptimisers
from metalearn.recovery.inversion import RecoveredTask


class LearnerWithHeads(nn.Module):
    """The learner, together with heads that fall away in the end if there are any."""

    def __init__(self, network: Network, heads: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network
        self.heads = heads


Distillation = Callable[[LearnerWithHeads], Tensor]
"""The distance of the learner's answers from those of some teachers, on some images."""


@runtime_checkable
class Distiller(Protocol):
    """One way of asking teachers about the images that were recovered from them."""

    def losses(self, tasks: Sequence[RecoveredTask]) -> list[Distillation]:
        """For each task, the loss of a learner that is to say what the task's teacher says."""


def shared_loss(loss: Distillation, trained: LearnerWithHeads) -> Callable[[Network], Tensor]:
    """The same loss as a function of the learner alone, with the heads as they are."""
    return lambda network: loss(LearnerWithHeads(network, trained.heads))


def optimisers_of(trained: LearnerWithHeads, config: FreeSettings) -> ScheduledOptimisers:
    """What moves it. Heads are Adam's: one of a teacher's is a few rows, no matrix to turn."""
    weights = list(trained.parameters())
    kernels = [w for w in weights if w.ndim > 2 and config.outer_optimiser == "muon"]
    turned = {id(kernel) for kernel in kernels}
    others = [w for w in weights if id(w) not in turned]
    return ScheduledOptimisers(
        kernels, others, kernel_lr=config.kernel_lr, other_lr=config.outer_lr
    )
