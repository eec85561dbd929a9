"""DRO's outer step: fit one model, find the worst embedding near another's, learn from it."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful
from torch.func import functional_call

from metalearn.algorithm import Algorithm, StepReport
from metalearn.algorithms.dro.config import DroConfig
from metalearn.algorithms.dro.hyper_network import HyperNetwork, Layout, ascended, log_likelihood
from metalearn.algorithms.dro.needs import (
    bytes_needed,
    generates_heads,
    needs_of_dro,
    what_would_fit,
)
from metalearn.errors import InvalidSetting
from metalearn.learning.learner_spec import learner_like_teachers
from metalearn.merging.batchnorm_repair import repaired
from metalearn.merging.fusion import embedding_state, fusible, mean_state
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, in_mb
from metalearn.networks import Network
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool


class Dro(Algorithm):
    name = "dro"
    title = "DRO"
    paper = "https://openreview.net/forum?id=Hq8Ug88j5ec"
    summary = (
        "A hyper-network learns to generate the weights of models of one architecture, robustly; "
        "the learner is generated from the mean embedding."
    )
    needs_recovery = False
    Config = DroConfig
    smaller = ("embedding_dim",)
    config: DroConfig

    def __init__(self, pool: Pool, config: DroConfig, *, device: torch.device, seed: int) -> None:
        super().__init__(fusible(pool), config, device=device, seed=seed)
        networks = [teacher.network for teacher in self.pool.teachers]
        with_head = generates_heads(self.pool, config)
        self.learner = self._new_learner(with_head=with_head)
        self.layout = Layout(networks[0], with_head=with_head)
        self._check_memory()
        rows = torch.stack([self.layout.row(network) for network in networks])
        self.unit = float(rows.square().sum(1).mean().sqrt())
        self.targets = rows / self.unit
        self.support, self.query = self._split()
        with seeded_from(self.rng):
            hyper = HyperNetwork(
                self.layout.layer_sizes, n_models=len(networks), dim=config.embedding_dim
            )
        self.hyper = hyper.to(device)

    def _new_learner(self, *, with_head: bool) -> Network:
        first = self.pool.teachers[0].spec
        n_classes = first.n_classes if with_head else self.config.n_way
        learner = self.new_learner(learner_like_teachers(self.pool, n_classes=n_classes))
        mean = mean_state([embedding_state(teacher.network) for teacher in self.pool.teachers])
        learner.load_state_dict(learner.state_dict() | mean)
        return learner

    @classmethod
    def needs_of(cls, pool: Pool, config: DroConfig, device: torch.device) -> Needs:
        return needs_of_dro(pool, config, device)

    def _check_memory(self) -> None:
        config, n_weights = self.config, sum(self.layout.layer_sizes)
        needed = bytes_needed(n_weights, config.embedding_dim)
        if needed <= config.memory_mb * 2**20:
            return
        raise InvalidSetting(
            f"A hyper-network for {n_weights:,} weights takes {in_mb(needed):,} MB while it "
            f"learns; {what_would_fit(n_weights, config)}."
        )

    def _split(self) -> tuple[list[int], list[int]]:
        n = len(self.pool)
        order = torch.randperm(n, generator=self.rng).tolist()
        n_support = min(max(round(self.config.support_share * n), 1), n - 1)
        return order[:n_support], order[n_support:]

    @property
    def total_steps(self) -> int:
        return self.config.outer_steps

    def step(self) -> StepReport:
        if self.config.split == "every_step":
            self.support, self.query = self._split()
        i, j = (self._draw(indices) for indices in (self.support, self.query))
        fitted, fit = self._fit(i)
        worst = self._worst_embedding(fitted, j)
        robust = self._learn(fitted, worst, j)
        moved = float((worst - self.hyper.embeddings[j].detach()).norm())
        metrics = {"log_likelihood": fit, "robust_log_likelihood": robust, "moved": moved}
        return self.report("meta-training", metrics)

    def _draw(self, indices: list[int]) -> int:
        return indices[int(torch.randint(len(indices), (), generator=self.rng))]

    def _fit(self, i: int) -> tuple[dict[str, Tensor], float]:
        """Take K ascent steps on the likelihood of an S model; return phi and the first likelihood.

        The model's embedding moves along and is kept. phi itself does not change.
        """
        config = self.config
        values: dict[str, Tensor] = dict(self.hyper.map_parameters())
        values["embedding"] = self.hyper.embeddings[i].detach()
        first = 0.0
        for step in range(config.inner_steps):
            values = {name: v.detach().requires_grad_() for name, v in values.items()}
            phi = {name: v for name, v in values.items() if name != "embedding"}
            objective = self._likelihood(phi, values["embedding"], i)
            first = float(objective.detach()) if not step else first
            values = ascended(values, objective, lr=config.inner_lr)
        with torch.no_grad():
            self.hyper.embeddings[i] = values.pop("embedding")
        return values, first

    def _worst_embedding(self, phi: Mapping[str, Tensor], j: int) -> Tensor:
        """Return e*: K steps down a Q model's likelihood, penalised by distance from its start."""
        own = self.hyper.embeddings[j].detach()
        worst = own.clone()
        for _ in range(self.config.inner_steps):
            worst = worst.detach().requires_grad_()
            distance = (own - worst).square().sum()
            objective = self._likelihood(phi, worst, j) + self.config.gamma * distance
            worst = ascended({"e": worst}, -objective, lr=self.config.inner_lr)["e"]
        return worst

    def _learn(self, phi: Mapping[str, Tensor], worst: Tensor, j: int) -> float:
        """Take a first-order step of phi and the embedding up the likelihood at phi* and e*."""
        at = {name: value.detach().requires_grad_() for name, value in phi.items()}
        embedding = worst.detach().requires_grad_()
        objective = self._likelihood(at, embedding, j)
        *gradients, slope = torch.autograd.grad(objective, [*at.values(), embedding])
        own = self.hyper.map_parameters()
        with torch.no_grad():
            for name, gradient in zip(at, gradients, strict=True):
                own[name].add_(gradient, alpha=self.config.outer_lr)
            self.hyper.embeddings[j].add_(slope, alpha=self.config.outer_lr)
        return float(objective.detach())

    def _likelihood(self, phi: Mapping[str, Tensor], embedding: Tensor, index: int) -> Tensor:
        state = {**phi, "embeddings": self.hyper.embeddings}
        given = functional_call(self.hyper, state, (embedding,))
        return log_likelihood(given, self.targets[index], self.config.variance)

    @torch.no_grad()
    def meta_learner(self) -> MetaLearner:
        row = self.unit * self.hyper(self.hyper.embeddings.mean(0))
        learner = self.finished(self.learner, AdaptationSettings(head=self.config.head))
        made = self.layout.parameters(row)
        learner.network.load_state_dict(learner.network.state_dict() | made)
        return repaired(learner, self.pool, self.config, self.seed)

    def copied_teachers(self) -> tuple[int, ...]:
        # The maps are fitted to the weights themselves, with an accuracy that no step count
        # bounds, and batch-norm's statistics are the models' exact mean.
        return self.pool.places

    def parts(self) -> dict[str, Stateful]:
        return {"hyper_network": self.hyper}
