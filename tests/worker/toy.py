"""A toy algorithm with all that a runner cares about: steps, randomness, state, a learner."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.errors import MetaLearnError
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, held_bytes
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Pool, Teacher
from metalearn.settings import setting

SPEC = NetworkSpec("conv4", width=4, channels=3, image_size=16, n_classes=3)


@dataclass(frozen=True)
class ToyConfig:
    """How long, and what goes wrong."""

    outer_steps: int = setting(6, "steps in all", low=1, high=1000)
    fails_at: int = setting(0, "step that raises a MetaLearnError", low=0, high=1000)
    bug_at: int = setting(0, "step that raises a RuntimeError", low=0, high=1000)


class Toy(Algorithm):
    """Adds noise from its own generator to a weight, with momentum that must be saved too."""

    name, title, paper, summary = "toy", "Toy", "", "For tests."
    Config = ToyConfig

    def __init__(self, pool: Pool, config: Any, *, device: torch.device, seed: int) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        self.layer = nn.Linear(4, 2, bias=False)
        nn.init.zeros_(self.layer.weight)
        self.optimiser = torch.optim.SGD(self.layer.parameters(), lr=0.1, momentum=0.9)

    @classmethod
    def needs_of(cls, pool: Pool, config: Any, device: torch.device) -> Needs:
        return Needs(models=held_bytes(pool), held=0)

    @property
    def total_steps(self) -> int:
        return int(self.config.outer_steps)

    def step(self) -> StepReport:
        now = self.steps_done + 1
        if now == self.config.fails_at:
            raise MetaLearnError("The learning rate is too high; lower it.")
        if now == self.config.bug_at:
            raise RuntimeError("a secret detail")
        noise = torch.randn(2, 4, generator=self.rng)
        self.layer.weight.grad = noise
        self.optimiser.step()
        return self.report("training", {"loss": float(noise.norm())})

    def meta_learner(self) -> MetaLearner:
        with torch.random.fork_rng():
            torch.manual_seed(int(self.layer.weight.sum() * 1000) % 1000)
            network = build_network(SPEC)
        return MetaLearner(
            network,
            mean=(0.5,) * 3,
            std=(0.25,) * 3,
            defaults=AdaptationSettings(),
            made_by={"algorithm": "toy"},
        )

    def parts(self) -> dict[str, Stateful]:
        return {"layer": self.layer, "optimiser": self.optimiser}


def toy_pool() -> Pool:
    """Two untrained teachers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Pool(
            tuple(
                Teacher(
                    name=f"teacher {index}",
                    held=build_network(SPEC),
                    mean=(0.5,) * 3,
                    std=(0.25,) * 3,
                    class_names=("a", "b", "c"),
                )
                for index in range(2)
            )
        )


def build_toy(**settings: int) -> Toy:
    """A toy run at its first step."""
    return Toy(toy_pool(), ToyConfig(**settings), device=torch.device("cpu"), seed=7)
