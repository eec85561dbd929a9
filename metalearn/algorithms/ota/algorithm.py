"""OTA's outer step: align one teacher's neurons and add it to the mean."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.algorithms.ota.transport import head_in_order, in_order, neuron_maps
from metalearn.algorithms.ota.wiring import wiring_of
from metalearn.merging.batchnorm_repair import RepairSettings, repaired, repairing
from metalearn.merging.fusion import (
    FusionSettings,
    averages_heads,
    embedding_state,
    fused_spec,
    fusible,
)
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, Part, cached_bytes, held_bytes, most_taken, network_of
from metalearn.networks import Network
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes
from metalearn.settings import setting


@dataclass(frozen=True)
class OtaConfig(RepairSettings, FusionSettings):
    """Settings of optimal-transport averaging."""

    anchor: str = setting(
        "random",
        "the model to whose neuron order the others are aligned: a random one, as in the paper, "
        "or the first",
        choices=("random", "first"),
    )


class Ota(Algorithm):
    name = "ota"
    title = "Optimal-transport averaging"
    paper = "https://arxiv.org/abs/1910.05653"
    summary = (
        "The mean of the weights of models of one architecture, after their neurons have been "
        "matched layer by layer."
    )
    needs_recovery = False
    draws_weights = False
    Config = OtaConfig
    config: OtaConfig

    def __init__(self, pool: Pool, config: OtaConfig, *, device: torch.device, seed: int) -> None:
        super().__init__(fusible(pool), config, device=device, seed=seed)
        teachers = self.pool.teachers
        self.wiring = wiring_of(teachers[0].network)
        self.convolutions = [f"{layer.conv}.weight" for layer in self.wiring.layers]
        self.averages_heads = averages_heads(self.pool, config)
        drawn = int(torch.randint(len(teachers), (), generator=self.rng))
        self.anchor = teachers[0 if config.anchor == "first" else drawn]
        self.learner = self.new_learner(fused_spec(self.pool, config))

    @classmethod
    def needs_of(cls, pool: Pool, config: OtaConfig, device: torch.device) -> Needs:
        pool = fusible(pool)
        network = pool.teachers[0].network
        learner = network_of(fused_spec(pool, config), device)
        work = [_matching(network, times=len(pool)), *repairing(pool, config, learner)]
        size = network_bytes(learner)
        # The learner and its mean; besides a model, its aligned copy in double precision.
        return Needs(
            models=held_bytes(pool),
            held=2 * size,
            passing=max(3 * size, most_taken(work[1:])),
            cached=cached_bytes(pool),
            snapshot=size,
            work=tuple(work),
        )

    @property
    def total_steps(self) -> int:
        return len(self.pool)

    def step(self) -> StepReport:
        network = self.pool.teachers[self.steps_done].network
        anchor = embedding_state(self.anchor.network)
        ordered, moved = self._ordered(network)
        before, after = (
            _distance(tensors, anchor, self.convolutions)
            for tensors in (embedding_state(network), ordered)
        )
        self._join(ordered)
        metrics = {"moved": moved, "distance_before": before, "distance_after": after}
        return self.report("alignment", metrics)

    def _ordered(self, network: Network) -> tuple[dict[str, Tensor], float]:
        own, anchor = embedding_state(network), embedding_state(self.anchor.network)
        maps = neuron_maps(self.wiring, own, anchor)
        ordered = in_order(self.wiring, own, maps)
        if self.averages_heads:
            name, head = network.head_name, network.output_layer
            ordered[f"{name}.weight"] = head_in_order(head.weight, maps[self.wiring.features])
            ordered[f"{name}.bias"] = head.bias
        groups = [maps[group.name] for group in self.wiring.groups]
        stayed = sum(float(group.diagonal().sum()) for group in groups)
        return ordered, 1 - stayed / sum(map(len, groups))

    @torch.no_grad()
    def _join(self, ordered: dict[str, Tensor]) -> None:
        mean = self.learner.state_dict()
        for name, tensor in ordered.items():
            if not self.steps_done:
                mean[name].copy_(tensor)
            elif tensor.is_floating_point():
                mean[name].lerp_(tensor, 1 / (self.steps_done + 1))

    def meta_learner(self) -> MetaLearner:
        learner = self.finished(self.learner, AdaptationSettings(head=self.config.head))
        return repaired(learner, self.pool, self.config, self.seed)

    def copied_teachers(self) -> tuple[int, ...]:
        # The mean and all other models reveal a model's weights, up to their order.
        return self.pool.places

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.learner}


def _distance(one: dict[str, Tensor], two: dict[str, Tensor], names: list[str]) -> float:
    squares = torch.cat([(one[name] - two[name]).flatten().square() for name in names])
    return float(squares.mean().sqrt())


def _matching(network: Network, *, times: int) -> Part:
    wiring, state = wiring_of(network), embedding_state(network)

    def rehearse(n: int) -> None:
        for _ in range(n):
            neuron_maps(wiring, state, state)

    device = next(network.parameters()).device
    return Part(("matching", network.spec), rehearse, 1, times, device)
