"""An algorithm whose steps take time and no work, and whose end depends on every one of them."""

import signal
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, held_bytes
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Pool
from metalearn.settings import setting

SPEC = NetworkSpec("conv4", width=8, channels=3, image_size=32, n_classes=3)


@dataclass(frozen=True)
class WandererConfig:
    """How long."""

    outer_steps: int = setting(100, "steps in all", low=1, high=10_000)
    step_ms: int = setting(50, "milliseconds that a step takes", low=0, high=10_000)


class Wanderer(Algorithm):
    """Walks a network at random, with momentum: a step missed or taken twice shows in the end."""

    name, title, paper, summary = "wanderer", "Wanderer", "", "For the fault harness."
    Config = WandererConfig

    def __init__(self, pool: Pool, config: Any, *, device: torch.device, seed: int) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        # The step that is being taken hangs then, while the process's other threads go on.
        signal.signal(signal.SIGUSR2, lambda *_: time.sleep(24 * 3600))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = build_network(SPEC).to(device)
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9)

    @classmethod
    def needs_of(cls, pool: Pool, config: Any, device: torch.device) -> Needs:
        return Needs(models=held_bytes(pool), held=0)

    @property
    def total_steps(self) -> int:
        return int(self.config.outer_steps)

    def step(self) -> StepReport:
        time.sleep(self.config.step_ms / 1000)
        for parameter in self.network.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=self.rng)
        self.optimiser.step()
        squares = [p.detach().square().sum() for p in self.network.parameters()]
        norm = torch.sqrt(torch.stack(squares).sum())
        return self.report("wandering", {"norm": float(norm)})

    def meta_learner(self) -> MetaLearner:
        return MetaLearner(
            self.network,
            mean=(0.5,) * 3,
            std=(0.25,) * 3,
            defaults=AdaptationSettings(),
            made_by={"algorithm": "wanderer"},
        )

    def parts(self) -> dict[str, Stateful]:
        return {"network": self.network, "optimiser": self.optimiser}
