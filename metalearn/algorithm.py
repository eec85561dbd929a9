"""The base class of all algorithms, and the loop that trains one."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
_LinAlgError: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined]


@dataclass(frozen=True)
class StepReport:
    """Result of one outer step: plain numbers, and the recovered episode if there is one."""

    step: int
    total_steps: int
    stage: str
    metrics: dict[str, float] = field(default_factory=dict)
    recovered: Episode | None = None


class Algorithm(ABC):
    """A way to turn a pool of teachers into a meta-learner.

    It takes one outer step at a time. Looping, output, saving, timing and cancelling are the
    caller's job. All randomness comes from `self.rng`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    summary: ClassVar[str]
    needs_recovery: ClassVar[bool] = True
    """Whether the algorithm recovers images; every teacher's owner must then have consented."""
    draws_weights: ClassVar[bool] = True
    """Whether weights are initialised at random, so that the learner depends on the seed."""
    Config: ClassVar[type]
    smaller: ClassVar[tuple[str, ...]] = ()
    """Settings to lower when memory is short, cheapest first."""

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
        """Return what a run with these settings needs, without allocating anything large.

        Raises InvalidPool if the algorithm cannot work with the pool.
        """

    def needs(self) -> Needs:
        return self.needs_of(self.pool, self.config, self.device)

    @property
    @abstractmethod
    def total_steps(self) -> int:
        """Number of outer steps in the whole run, warm-up included."""

    @property
    def run_title(self) -> str:
        return run_title(self.title, self.config)

    @abstractmethod
    def step(self) -> StepReport:
        """Take one outer step. `steps_done` is its zero-based index."""

    @abstractmethod
    def meta_learner(self) -> MetaLearner:
        """Return a copy of the current learner, unaffected by later steps."""

    def notices(self) -> list[str]:
        """Return notices for the person who starts the run, one sentence each."""
        return []

    @property
    def wants_pictures(self) -> bool:
        """Whether the settings ask for a folder of unlabelled images in addition to the pool."""
        return bool(getattr(self.config, "own_pictures", False))

    def take_pictures(self, folder: Path) -> list[str]:
        """Read the folder's images before the first step, and return notices about them.

        Raises InvalidSetting if the algorithm or its settings do not use images.
        """
        raise InvalidSetting(
            f"{self.title} does not learn from your own pictures; leave the folder out, or use "
            "chorus with own_pictures=true."
        )

    def used_teachers(self) -> tuple[int, ...]:
        """Return the places, in the pool given to the run, of the teachers that take part."""
        return self.pool.places

    def copied_teachers(self) -> tuple[int, ...]:
        """Return the places, in the pool given to the run, of the teachers that the learner copies.

        The learner contains their weights, or allows others to compute them. Only someone with
        access to all of these models may have the learner. The default is none.
        """
        return ()

    @abstractmethod
    def parts(self) -> dict[str, Stateful]:
        """Return everything that must be saved for the run to resume exactly."""

    def new_learner(self, spec: NetworkSpec) -> Network:
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
        """Return a copy of a network as this run's learner, with its provenance.

        `mean` and `std` default to the pool's normalisation.
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
        return TeacherRecord.of_pool(self.pool, copied=self.copied_teachers())

    def origin(self) -> dict[str, object]:
        """Return the learner's provenance as plain data for config.json and the model card."""
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
        """Return a report on the current step, numbered from 1.

        Raises InvalidSetting if a metric is not finite: the run has diverged and cannot recover.
        """
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise InvalidSetting(_diverged(self, f"“{name}” is no longer a finite number"))
        return StepReport(self.steps_done + 1, self.total_steps, stage, dict(metrics), recovered)

    def state_dict(self) -> dict[str, Any]:
        """Return parts, generator and step counter as nested dicts and lists of plain values."""
        return {
            "steps_done": self.steps_done,
            "rng": self.rng.get_state(),
            "parts": {name: part.state_dict() for name, part in self.parts().items()},
        }

    def fits(self, state: dict[str, Any]) -> bool:
        """Return whether a saved state has the parts this run needs; other releases may differ."""
        return set(state["parts"]) == set(self.parts())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a saved state for which `fits` is true."""
        self.steps_done = state["steps_done"]
        self.rng.set_state(state["rng"].cpu())
        for name, part in self.parts().items():
            part.load_state_dict(state["parts"][name])


def train(algorithm: Algorithm) -> Iterator[StepReport]:
    """Take outer steps until none are left, yielding a report after each.

    The algorithm is idle between two reports. The caller may save its state_dict(), show the
    report, or cancel the run by ending the iteration. Raises BadModel, with its name, for a model
    whose outputs or gradients are not finite numbers.
    """
    while algorithm.steps_done < algorithm.total_steps:
        # Dropout draws from the global generator. Seeding it from the step makes a resumed run
        # equal to an uninterrupted one. Not using `rng` keeps learners without dropout unchanged.
        seed = (algorithm.seed * _MANY_STEPS + algorithm.steps_done) % 2**63
        with seeded_from(torch.Generator().manual_seed(seed)), _faults_named(algorithm):
            report = algorithm.step()
        algorithm.steps_done += 1
        yield report


@contextmanager
def _faults_named(algorithm: Algorithm) -> Iterator[None]:
    """Turn what a model's bad numbers led to into one sentence that names the model."""
    try:
        yield
    except (InvalidSetting, ArithmeticError, _LinAlgError) as error:
        algorithm.pool.check_answers()
        if isinstance(error, InvalidSetting):
            raise
        raise InvalidSetting(_diverged(algorithm, str(error).split("\n")[0])) from error
    algorithm.pool.check_answers()


def _diverged(algorithm: Algorithm, what: str) -> str:
    return (
        f"The run diverged at step {algorithm.steps_done + 1} ({what}); start it again with lower "
        "learning rates."
    )


def _check_consent(pool: Pool) -> None:
    for teacher in pool.teachers:
        if not teacher.consent_recovery:
            raise InvalidPool(
                f"The owner of “{teacher.name}” did not consent to recovering images from it; "
                "leave it out or ask for consent."
            )
