"""What an algorithm is: something that can take one outer step."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.episode import Episode
from metalearn.meta_learner import MetaLearner
from metalearn.pool import Pool


@dataclass(frozen=True)
class StepReport:
    """What one outer step has to say: plain numbers, and the recovered episode if there is one."""

    step: int
    total_steps: int
    stage: str
    metrics: dict[str, float] = field(default_factory=dict)
    recovered: Episode | None = None


class Algorithm(ABC):
    """One way to turn a pool of teachers into a meta-learner.

    It takes one outer step at a time; it does not loop, print, save, look at the clock or ask
    whether to stop. Randomness comes only from `self.rng`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    summary: ClassVar[str]
    needs_recovery: ClassVar[bool] = True
    """Whether the algorithm recovers images, so that every teacher's owner must have consented."""
    Config: ClassVar[type]

    def __init__(self, pool: Pool, config: Any, *, device: torch.device, seed: int) -> None:
        self.pool = pool.to(device)
        self.config = config
        self.device = device
        self.seed = seed
        self.steps_done = 0
        self.rng = torch.Generator().manual_seed(seed)

    @property
    @abstractmethod
    def total_steps(self) -> int:
        """Outer steps of the whole run, warm-up included."""

    @abstractmethod
    def step(self) -> StepReport:
        """Take one outer step. `steps_done` is the index of this step, counted from zero."""

    @abstractmethod
    def meta_learner(self) -> MetaLearner:
        """The learner as it is now; a copy that later steps do not change."""

    @abstractmethod
    def parts(self) -> dict[str, Stateful]:
        """Everything that must be saved for the run to go on as if it had never stopped."""

    def report(
        self, stage: str, recovered: Episode | None = None, **metrics: float
    ) -> StepReport:
        """A report on the step being taken (1-based in the report)."""
        return StepReport(self.steps_done + 1, self.total_steps, stage, metrics, recovered)

    def state_dict(self) -> dict[str, Any]:
        """Parts, generator and step counter: nested dicts and lists of tensors and plain values."""
        return {
            "steps_done": self.steps_done,
            "rng": self.rng.get_state(),
            "parts": {name: part.state_dict() for name, part in self.parts().items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.steps_done = state["steps_done"]
        self.rng.set_state(state["rng"].cpu())
        for name, part in self.parts().items():
            part.load_state_dict(state["parts"][name])
