"""What an algorithm is: something that can take one outer step."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.meta_learner import (
    RECOVERS_IMAGES,
    AdaptationSettings,
    MetaLearner,
    TeacherRecord,
)
from metalearn.needs import Needs
from metalearn.networks import Network, NetworkSpec, get_architecture
from metalearn.numerics.episode import Episode
from metalearn.numerics.precision import on_device
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool
from metalearn.presets import run_title

_MANY_STEPS = 1_000_003


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
    draws_weights: ClassVar[bool] = True
    """Whether weights are drawn at random, so that another seed gives another learner."""
    Config: ClassVar[type]
    smaller: ClassVar[tuple[str, ...]] = ()
    """Settings that need less memory with a smaller value, those first that cost least."""

    def __init__(self, pool: Pool, config: Any, *, device: torch.device, seed: int) -> None:
        if self.needs_recovery:
            _check_consent(pool)
        self.pool = pool.to(device)
        self.config = config
        self.device = device
        self.seed = seed
        self.steps_done = 0
        self.rng = torch.Generator().manual_seed(seed)

    @classmethod
    @abstractmethod
    def needs_of(cls, pool: Pool, config: Any, device: torch.device) -> Needs:
        """What a run with these settings will need; nothing that is large is made for it.

        Raises InvalidPool for a pool that the algorithm cannot work with.
        """

    def needs(self) -> Needs:
        """What this run needs in all."""
        return self.needs_of(self.pool, self.config, self.device)

    @property
    @abstractmethod
    def total_steps(self) -> int:
        """Outer steps of the whole run, warm-up included."""

    @property
    def run_title(self) -> str:
        """What runs, as people write it: with its preset, where the algorithm has some."""
        return run_title(self.title, self.config)

    @abstractmethod
    def step(self) -> StepReport:
        """Take one outer step. `steps_done` is the index of this step, counted from zero."""

    @abstractmethod
    def meta_learner(self) -> MetaLearner:
        """The learner as it is now; a copy that later steps do not change."""

    def notices(self) -> list[str]:
        """What a person who starts the run should know, in a sentence each."""
        return []

    @property
    def wants_pictures(self) -> bool:
        """Whether the settings ask for unlabelled pictures of a folder beside the pool."""
        return bool(getattr(self.config, "own_pictures", False))

    def take_pictures(self, folder: Path) -> list[str]:
        """Read the folder's pictures, before the first step; notices about them.

        Raises InvalidSetting where the algorithm or its settings have no use for them.
        """
        raise InvalidSetting(
            f"{self.title} learns from no pictures of one's own; leave the folder out, or take "
            "chorus with own_pictures=true."
        )

    def used_teachers(self) -> tuple[int, ...]:
        """Places, in the pool that the run was given, of the teachers that take part."""
        return self.pool.places

    def copied_teachers(self) -> tuple[int, ...]:
        """Places, in the pool that the run was given, of the teachers that the learner copies.

        It holds their weights, or others can compute these back from what it holds. Who may not
        have one of these models may not have the learner either. None, unless the algorithm says
        which.
        """
        return ()

    @abstractmethod
    def parts(self) -> dict[str, Stateful]:
        """Everything that must be saved for the run to go on as if it had never stopped."""

    def new_learner(self, spec: NetworkSpec) -> Network:
        """A freshly initialised learner, drawn from `self.rng`."""
        with seeded_from(self.rng):
            network = get_architecture(spec.architecture).build(spec)
        return on_device(network, self.device)

    def finished(
        self,
        network: Network,
        defaults: AdaptationSettings,
        *,
        mean: tuple[float, ...] = (),
        std: tuple[float, ...] = (),
    ) -> MetaLearner:
        """A copy of a network as this run's learner, with how it was made.

        Its normalisation is the pool's, unless another is given.
        """
        return MetaLearner(
            network,
            mean=mean or self.pool.mean,
            std=std or self.pool.std,
            defaults=defaults,
            made_by=self.origin(),
            teachers=self.records(),
        )

    def records(self) -> tuple[TeacherRecord, ...]:
        """What is said of each teacher that takes part, and of which the learner holds weights."""
        return TeacherRecord.of_pool(self.pool, copied=self.copied_teachers())

    def origin(self) -> dict[str, object]:
        """How this run made its learner so far, as plain data for config.json and the card."""
        return {
            "algorithm": self.name,
            "title": self.run_title,
            "settings": asdict(self.config),
            "seed": self.seed,
            "steps": self.steps_done,
            RECOVERS_IMAGES: self.needs_recovery,
        }

    def report(
        self,
        stage: str,
        metrics: Mapping[str, float] = MappingProxyType({}),
        *,
        recovered: Episode | None = None,
    ) -> StepReport:
        """A report on the step being taken (1-based in the report).

        Raises InvalidSetting when a number is no longer finite: the run has diverged, and
        nothing that it would still make is of use.
        """
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise InvalidSetting(
                    f"The run diverged at step {self.steps_done + 1} (“{name}” is no longer a "
                    "finite number); start it again with lower learning rates."
                )
        return StepReport(self.steps_done + 1, self.total_steps, stage, dict(metrics), recovered)

    def state_dict(self) -> dict[str, Any]:
        """Parts, generator and step counter: nested dicts and lists of tensors and plain values."""
        return {
            "steps_done": self.steps_done,
            "rng": self.rng.get_state(),
            "parts": {name: part.state_dict() for name, part in self.parts().items()},
        }

    def fits(self, state: dict[str, Any]) -> bool:
        """Whether a saved state has what this run needs; one of another release may not."""
        return set(state["parts"]) == set(self.parts())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state that fits."""
        self.steps_done = state["steps_done"]
        self.rng.set_state(state["rng"].cpu())
        for name, part in self.parts().items():
            part.load_state_dict(state["parts"][name])


def train(algorithm: Algorithm) -> Iterator[StepReport]:
    """Take outer steps until none are left, handing back a report after each.

    Between two reports the algorithm is at rest: the caller may save its state_dict(),
    show the report, or stop the run by no longer iterating.
    """
    while algorithm.steps_done < algorithm.total_steps:
        # Dropout draws from the global generator. Its seed follows from the step, so that a run
        # that goes on draws as one never stopped, and not from the run's generator, so that
        # learners without dropout come out as they always did.
        seed = (algorithm.seed * _MANY_STEPS + algorithm.steps_done) % 2**63
        with seeded_from(torch.Generator().manual_seed(seed)):
            report = algorithm.step()
        algorithm.steps_done += 1
        yield report


def _check_consent(pool: Pool) -> None:
    for teacher in pool.teachers:
        if not teacher.consent_recovery:
            raise InvalidPool(
                f"The owner of “{teacher.name}” did not consent to recovering images from it; "
                "leave it out or ask for consent."
            )
