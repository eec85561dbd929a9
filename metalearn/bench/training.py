"""A run of a suite: training with one seed, its costs and its curves."""

import contextlib
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

import torch

from metalearn.algorithm import Algorithm, StepReport, train
from metalearn.bench.costs import CostMeter, images_recovered, task_memory
from metalearn.bench.judging import BATCHNORMS, Judge
from metalearn.bench.materials import LoadedPool
from metalearn.bench.projection import through_teachers
from metalearn.bench.rows import Row
from metalearn.bench.suite import AlgorithmEntry, Suite
from metalearn.errors import InvalidSetting
from metalearn.evaluation import EvaluationPlan, episode_accuracies
from metalearn.meta_learner import MetaLearner
from metalearn.numerics.episode import Episode
from metalearn.recovery.task_memory import TaskMemory
from metalearn.registry import make_algorithm

T = TypeVar("T")
KEPT_METRICS = ("gradient_inner_product", "gradient_cosine")
PSEUDO_EPISODES = 100


@runtime_checkable
class Watch(Protocol):
    """Progress display that passes items through, like `metalearn.cli.common.progress`."""

    def __call__(self, items: Iterable[T], total: int, label: str) -> Iterator[T]: ...


@dataclass(frozen=True)
class Run:
    pool: LoadedPool
    algorithm: AlgorithmEntry
    seed: int

    @property
    def label(self) -> str:
        return f"{self.pool.name}, {self.algorithm.label}, seed {self.seed}"


@dataclass
class _Record:
    curve: list[Row] = field(default_factory=list)
    metrics: dict[str, list[list[float]]] = field(default_factory=dict)
    candidates: list[tuple[int, MetaLearner]] = field(default_factory=list)
    recovered: Episode | None = None


class Trainer:
    def __init__(self, suite: Suite, judge: Judge, device: torch.device, watch: Watch) -> None:
        self.suite = suite
        self.judge = judge
        self.device = device
        self.watch = watch

    def train(self, run: Run) -> tuple[MetaLearner, Row]:
        meter = CostMeter(run.pool.pool, self.device)
        record = _Record()
        with meter.counting():
            algorithm = make_algorithm(
                run.algorithm.name,
                run.pool.pool,
                run.algorithm.settings,
                device=self.device,
                seed=run.seed,
            )
            reports = train(algorithm)
            for report in self.watch(reports, algorithm.total_steps, run.label):
                with meter.paused():
                    self._look(run, algorithm, report, record=record, meter=meter)
            step, learner = self._select(algorithm, record)
        facts: Row = {
            "ran": algorithm.run_title,
            "steps": algorithm.total_steps,
            "selected_step": step,
            "costs": meter.costs.as_dict(),
            "images_recovered": images_recovered(algorithm),
            "settings": asdict(algorithm.config),
            "curve": record.curve,
            "metrics": record.metrics,
            "projection": self._projection(run, record),
        }
        return learner, facts

    def _look(
        self,
        run: Run,
        algorithm: Algorithm,
        report: StepReport,
        *,
        record: _Record,
        meter: CostMeter,
    ) -> None:
        """Record a step's metrics, and evaluate the learner if this step is on the curve."""
        for name in KEPT_METRICS:
            if name in report.metrics:
                value = float(f"{report.metrics[name]:.6g}")
                record.metrics.setdefault(name, []).append([report.step, value])
        record.recovered = report.recovered or record.recovered
        if report.step not in curve_steps(report.total_steps, self.suite.curve.points):
            return
        learner = algorithm.meta_learner()
        if self.suite.selection == "pseudo":
            record.candidates.append((report.step, learner))
        record.curve.append(
            {
                "step": report.step,
                "stage": report.stage,
                "wall_s": round(meter.costs.wall_s, 3),
                "cpu_s": round(meter.costs.cpu_s, 3),
                "accuracies": self._curve_accuracies(run, learner),
            }
        )

    def _curve_accuracies(self, run: Run, learner: MetaLearner) -> list[Row]:
        """Evaluate an unfinished learner with the suite's first head.

        If the best of the run is wanted, this takes all episodes and both batch-norm modes. A
        learner whose adaptation diverges gets no point.
        """
        best = self.suite.best_on_judged
        judging = self.suite.judging
        points = []
        for pack, shot, batchnorm in itertools.product(
            run.pool.entry.packs, judging.shots, BATCHNORMS if best else BATCHNORMS[:1]
        ):
            with contextlib.suppress(InvalidSetting):
                point = self.judge.curve_point(
                    learner,
                    pack,
                    shot=shot,
                    batchnorm=batchnorm,
                    seed=run.seed,
                    episodes=judging.episodes if best else self.suite.curve.episodes,
                )
                points.append(point)
        return points

    def _select(self, algorithm: Algorithm, record: _Record) -> tuple[int, MetaLearner]:
        """Return step and learner: the best on pseudo-tasks if there is a memory, else the last."""
        memory = task_memory(algorithm)
        if record.candidates and memory is not None:
            plan = self._pseudo_plan(memory)
            if plan is not None:
                tasks = memory.images_by_class()
                scores = [
                    math.fsum(episode_accuracies(learner, tasks, plan))
                    for _, learner in record.candidates
                ]
                return record.candidates[scores.index(max(scores))]
        return algorithm.total_steps, algorithm.meta_learner()

    def _pseudo_plan(self, memory: TaskMemory) -> EvaluationPlan | None:
        """Return episodes of recovered images, none of a test class; None if there are too few."""
        judging = self.suite.judging
        need = judging.shots[-1] + judging.query
        if not memory.can_sample(n_way=judging.way, need=need):
            return None
        return EvaluationPlan(
            n_way=judging.way,
            k_shot=judging.shots[-1],
            n_query=judging.query,
            episodes=PSEUDO_EPISODES,
            seed=judging.seed,
        )

    def _projection(self, run: Run, record: _Record) -> Row | None:
        if record.recovered is None or run.seed != self.suite.seeds[0]:
            return None
        return through_teachers(record.recovered, run.pool.pool, self.device)


def curve_steps(total: int, points: int) -> set[int]:
    return {math.ceil(total * index / points) for index in range(1, points + 1)}
