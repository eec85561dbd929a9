"""Best single teacher: one unchanged model of the pool, chosen by a rule.

Combining models pays off only if it beats a single one. Without data the best one is unknown;
`rule` approximates it. Among 30 similar Conv4 models of CIFAR-FS classes, the rank by textures
correlated weakly with the true rank (Spearman 0.26), and on mixed pools the choice may be below the
mean of all models. Benchmark tables therefore also show that mean, and the best model on the test
classes as an oracle.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.learning.teacher_choice import few_shot_accuracy
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, cached_bytes, held_bytes, kinds_of, looking, most_taken
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool, Teacher
from metalearn.pool.network_cache import network_bytes
from metalearn.procedural.textures import texture_task
from metalearn.settings import setting


@dataclass(frozen=True)
class BestTeacherConfig:
    """Settings of the selection."""

    rule: str = setting(
        "textures",
        "how to choose without data: textures takes the model whose features best distinguish "
        "procedural textures in few-shot tasks, most_classes the one with the most classes, "
        "first the first of the pool; ties go to the first",
        choices=("textures", "most_classes", "first"),
    )
    tasks: int = setting(40, "tasks of textures", low=1, high=1_000)
    n_way: int = setting(5, "textures of a task", low=2, high=20)
    k_shot: int = setting(1, "support images per texture", low=1, high=50)
    n_query: int = setting(15, "query images per texture", low=1, high=50)


class Scores:
    def __init__(self) -> None:
        self.values: list[float] = []

    @property
    def best(self) -> int:
        """Index of the highest score, the first in a tie; 0 if there is none yet."""
        return max(range(len(self.values)), key=lambda i: self.values[i], default=0)

    def state_dict(self) -> dict[str, Any]:
        return {"values": list(self.values)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.values = list(state["values"])


class BestTeacher(Algorithm):
    name = "best_teacher"
    title = "Best single teacher"
    paper = ""
    summary = (
        "One unchanged model of the pool, chosen by a rule without data: the baseline that "
        "combining models must beat. On mixed pools the choice may be below the mean model."
    )
    needs_recovery = False
    draws_weights = False
    Config = BestTeacherConfig
    config: BestTeacherConfig

    def __init__(
        self, pool: Pool, config: BestTeacherConfig, *, device: torch.device, seed: int
    ) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        self.scores = Scores()
        # Seeds instead of images, which take more memory. Every teacher gets the same tasks.
        self.task_seeds = torch.randint(2**62, (config.tasks,), generator=self.rng).tolist()

    @classmethod
    def needs_of(cls, pool: Pool, config: BestTeacherConfig, device: torch.device) -> Needs:
        largest = max(network_bytes(teacher.network) for teacher, _ in kinds_of(pool))
        looks = config.rule == "textures"
        work = looking(
            pool,
            pictures=config.n_way * max(config.k_shot, config.n_query),
            size=pool.image_size,
            times=len(pool) * config.tasks * (1 + _smaller_share(config)) * looks,
            precision="fp32",
            device=device,
        )
        # The learner is a copy of the chosen model.
        return Needs(
            models=held_bytes(pool),
            held=largest,
            passing=most_taken(work) if looks else 0,
            cached=cached_bytes(pool),
            work=tuple(work),
        )

    @property
    def total_steps(self) -> int:
        return len(self.pool)

    def step(self) -> StepReport:
        score = self._score(self.pool.teachers[self.steps_done])
        self.scores.values.append(score)
        return self.report("choice", {"score": score, "best_score": max(self.scores.values)})

    def _score(self, teacher: Teacher) -> float:
        if self.config.rule == "first":
            return 0.0
        if self.config.rule == "most_classes":
            return float(teacher.n_classes)
        hits = [few_shot_accuracy(teacher, self._task(seed)) for seed in self.task_seeds]
        return sum(hits) / len(hits)

    def _task(self, seed: int) -> Episode:
        return texture_task(
            n_way=self.config.n_way,
            k_shot=self.config.k_shot,
            n_query=self.config.n_query,
            channels=self.pool.channels,
            image_size=self.pool.image_size,
            rng=torch.Generator().manual_seed(seed),
        )

    def meta_learner(self) -> MetaLearner:
        teacher = self.pool.teachers[self.scores.best]
        return MetaLearner(
            teacher.network,
            mean=teacher.mean,
            std=teacher.std,
            # The teacher's head fits only its own classes.
            defaults=AdaptationSettings(head="prototypes", head_init="prototypes"),
            # The chosen teacher is named only in the records, which are not public.
            made_by=self.origin(),
            teachers=self.records(),
        )

    def copied_teachers(self) -> tuple[int, ...]:
        # The others were only evaluated.
        return (self.pool.places[self.scores.best],)

    def parts(self) -> dict[str, Stateful]:
        return {"scores": self.scores}


def _smaller_share(config: BestTeacherConfig) -> float:
    few, many = sorted((config.k_shot, config.n_query))
    return few / many
