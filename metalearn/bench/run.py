"""Execution of a suite: training and evaluation of whatever is missing, a row for each."""

import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch

from metalearn.bench.judging import BATCHNORMS, Judge, Question
from metalearn.bench.machine import machine
from metalearn.bench.materials import Packs, check_materials, load_pool
from metalearn.bench.references import References
from metalearn.bench.rows import Row, RowFile, SuiteRow, row_key
from metalearn.bench.suite import AlgorithmEntry, Suite
from metalearn.bench.training import Run, Trainer, Watch
from metalearn.errors import InvalidCheckpoint, InvalidPool, InvalidSetting
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.registry import all_algorithms
from metalearn.settings import build

T = TypeVar("T")
ROWS = "rows.jsonl"
LEARNERS = ".learners"
"""Learners are kept here, so that another head or an interruption needs no new training."""


def _silently(items: Iterable[T], total: int, label: str) -> Iterator[T]:  # noqa: ARG001
    yield from items


def run_suite(
    suite: Suite,
    out: Path,
    device: torch.device,
    watch: Watch = _silently,
    *,
    again: Collection[str] = (),
) -> Iterator[SuiteRow]:
    """Measure what is missing in `out`, yielding every row of the suite once it is written.

    A row's key covers everything it depends on except the code. Rows and learners with labels in
    `again` are removed first, and measured again.

    If an algorithm refuses a pool, or a run or an adaptation diverges, the result is a row of kind
    “refused” with the reason. It is not written to the file, and the suite continues.

    Raises InvalidSetting, InvalidPool or InvalidData before any training if something that the
    suite names does not exist.
    """
    check_materials(suite)
    build(AdaptationSettings, suite.judging.adaptation)
    for entry in suite.algorithms:
        full_settings(entry)
    out.mkdir(parents=True, exist_ok=True)
    work = _Work(suite, out, device, watch)
    if again:
        work.forget(again)
    for pool_entry in suite.pools:
        pool = load_pool(pool_entry)
        for seed in suite.seeds:
            yield from work.references.rows_of(pool, seed)
            for algorithm in suite.algorithms:
                yield from work.rows_of(Run(pool, algorithm, seed))


def full_settings(entry: AlgorithmEntry) -> dict[str, object]:
    """Return all settings of an algorithm, including defaults. Raises InvalidSetting."""
    kinds = all_algorithms()
    if entry.name not in kinds:
        raise InvalidSetting(
            f"The suite wants the algorithm “{entry.name[:60]}”; there are {', '.join(kinds)}."
        )
    config: Any = build(kinds[entry.name].Config, entry.settings)
    return asdict(config)


class _Keys(NamedTuple):
    training: str
    row: str


class _Work:
    def __init__(self, suite: Suite, out: Path, device: torch.device, watch: Watch) -> None:
        self.suite = suite
        self.out = out
        self.device = device
        self.rows = RowFile(out / ROWS)
        self.packs = Packs(suite.packs)
        self.judge = Judge(suite.judging, self.packs)
        self.trainer = Trainer(suite, self.judge, device, watch)
        self.references = References(
            suite.references, self.judge, self.rows, device=device, watch=watch
        )

    def forget(self, labels: Collection[str]) -> None:
        for row in self.rows.of_kind("training"):
            if row["label"] in labels:
                shutil.rmtree(self.out / LEARNERS / row["key"], ignore_errors=True)
        self.rows.forget(labels)

    def rows_of(self, run: Run) -> Iterator[SuiteRow]:
        """Yield the rows of one run, measuring those that are missing."""
        training = row_key(self._training_inputs(run))
        keys = {
            row_key(self._question_inputs(training, question)): question
            for question in self.judge.questions(
                run.pool.entry.packs, BATCHNORMS[:1] if run.algorithm.inductive_only else BATCHNORMS
            )
        }
        done = training in self.rows and all(key in self.rows for key in keys)
        learner = None if done else self._kept(training)
        if not done and learner is None:
            try:
                learner, facts = self.trainer.train(run)
            except (InvalidPool, InvalidSetting) as error:
                yield SuiteRow(self._row(training, "refused", run, {"reason": str(error)}), True)
                return
            self._keep(training, learner)
            yield SuiteRow(self._add(training, "training", run, facts), True)
        else:
            yield SuiteRow(self.rows[training], False)
        for key, question in keys.items():
            if key in self.rows or learner is None:
                yield SuiteRow(self.rows[key], False)
            else:
                try:
                    row = self._judged(run, learner, question, _Keys(training, key))
                except InvalidSetting as error:  # its adaptation diverged
                    row = self._row(key, "refused", run, {"reason": str(error)})
                yield SuiteRow(row, True)

    def _judged(self, run: Run, learner: MetaLearner, question: Question, keys: _Keys) -> Row:
        self.judge.load(learner, question)  # not a part of what an episode costs
        start = time.perf_counter()
        result = self.judge.judge(learner, question, run.seed)
        facts: Row = {
            "training": keys.training,
            "pack": question.pack,
            **result.as_dict(),
            # The requested head: "default" depends on the algorithm.
            "head_asked": question.head,
            "wall_s": round(time.perf_counter() - start, 3),
            "episode_s": round(self.judge.seconds_of_an_episode(learner, question, run.seed), 6),
        }
        return self._add(keys.row, "evaluation", run, facts)

    def _add(self, key: str, kind: str, run: Run, facts: Row) -> Row:
        row = self._row(key, kind, run, facts)
        self.rows.append(row)
        return row

    def _row(self, key: str, kind: str, run: Run, facts: Row) -> Row:
        row = {
            "key": key,
            "kind": kind,
            "pool": run.pool.name,
            "scenario": run.pool.scenario,
            "teachers": len(run.pool.pool),
            "algorithm": run.algorithm.name,
            "label": run.algorithm.label,
            "seed": run.seed,
            **facts,
        }
        if kind == "training":
            row["machine"] = machine(self.device)
        return row

    def _kept(self, key: str) -> MetaLearner | None:
        """Return the saved learner of a run whose evaluation was interrupted."""
        if key not in self.rows:
            return None
        try:
            return MetaLearner.load(self.out / LEARNERS / key).to(self.device)
        except (InvalidCheckpoint, OSError):
            return None

    def _keep(self, key: str, learner: MetaLearner) -> None:
        folder = self.out / LEARNERS
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        learner.save(folder / key)

    def _training_inputs(self, run: Run) -> dict[str, object]:
        suite, judging = self.suite, self.suite.judging
        return {
            "pool": run.pool.fingerprint,
            "algorithm": run.algorithm.name,
            "label": run.algorithm.label,
            "settings": full_settings(run.algorithm),
            "seed": run.seed,
            "packs": {name: self.packs.hash_of(name) for name in run.pool.entry.packs},
            "curve": asdict(suite.curve),
            "selection": suite.selection,
            "best_on_judged": suite.best_on_judged,
            "judging": {
                "way": judging.way,
                "query": judging.query,
                "shots": judging.shots,
                "head": judging.heads[0],
                "calibrate": judging.calibrations[0],
                "adaptation": judging.adaptation,
                "seed": judging.seed,
                "episodes": judging.episodes if suite.best_on_judged else None,
            },
        }

    def _question_inputs(self, training: str, question: Question) -> dict[str, object]:
        return {
            "training": training,
            "question": asdict(question),
            "episodes": self.suite.judging.episodes,
        }
