"""References without any method: the pool's models by themselves, and published weights.

Each is evaluated with nearest centroids, inductively. The mean over the models is the expected
result of a blind choice. The best on the test classes is an oracle: choosing it takes labelled
images of these classes.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from metalearn.bench.judging import BATCHNORMS, Judge, Question
from metalearn.bench.materials import LoadedPool
from metalearn.bench.rows import REFERENCE, Row, RowFile, SuiteRow, file_hash, row_key
from metalearn.bench.suite import REFERENCES, ReferenceEntry
from metalearn.bench.training import Watch
from metalearn.learning.fine_tuning import read_start
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.pool import Pool, Teacher

PROTOTYPES = AdaptationSettings(head="prototypes", head_init="prototypes")


def learner_of(teacher: Teacher) -> MetaLearner:
    """Return one model as a learner. Its own head fits only its own classes."""
    return MetaLearner(teacher.network, mean=teacher.mean, std=teacher.std, defaults=PROTOTYPES)


def public_backbone(file: Path, image_size: int) -> MetaLearner:
    start = read_start(file, n_classes=2, image_size=image_size, seed=0)
    return MetaLearner(start.network, mean=start.mean, std=start.std, defaults=PROTOTYPES)


class References:
    """Evaluation of a suite's references: one or two rows per pack and number of shots."""

    def __init__(
        self,
        entries: Sequence[ReferenceEntry],
        judge: Judge,
        rows: RowFile,
        *,
        device: torch.device,
        watch: Watch,
    ) -> None:
        self.entries = entries
        self.judge = judge
        self.rows = rows
        self.device = device
        self.watch = watch

    def rows_of(self, pool: LoadedPool, seed: int) -> Iterator[SuiteRow]:
        """Yield the rows of one pool and seed, measuring those that are missing."""
        for entry in self.entries:
            if entry.checkpoint is not None and not entry.checkpoint.is_file():
                yield SuiteRow(self._absent(entry, pool, seed), True)
                continue
            for pack in pool.entry.packs:
                yield from self._answers(entry, pool, self._questions(pack), seed)

    def _questions(self, pack: str) -> list[Question]:
        return [
            Question(pack, shot, PROTOTYPES.head, "none", BATCHNORMS[0])
            for shot in self.judge.judging.shots
        ]

    def _answers(
        self, entry: ReferenceEntry, pool: LoadedPool, questions: Sequence[Question], seed: int
    ) -> Iterator[SuiteRow]:
        keys = {
            (label, question): row_key(
                {**self._inputs(entry, pool, question, seed), "label": label}
            )
            for question in questions
            for label in entry.labels
        }
        if all(key in self.rows for key in keys.values()):
            yield from (SuiteRow(self.rows[key], False) for key in keys.values())
            return
        found = self._accuracies(entry, pool, questions, seed)
        for question in questions:
            of_question = {name: by_question[question] for name, by_question in found.items()}
            for label, learner, accuracies in _figures(entry, of_question):
                row = self._row(entry, pool, seed, {"key": keys[label, question], "label": label})
                row |= self._facts(learner, accuracies, question)
                self.rows.append(row)
                yield SuiteRow(row, True)

    def _accuracies(
        self, entry: ReferenceEntry, pool: LoadedPool, questions: Sequence[Question], seed: int
    ) -> dict[str, dict[Question, list[float]]]:
        learners = self._learners(entry, pool)
        label = f"{pool.name}, {questions[0].pack}, {entry.labels[0]}"
        return {
            name: self.judge.accuracies(learner.to(self.device), questions, seed)
            for name, learner in self.watch(learners.items(), len(learners), label)
        }

    def _learners(self, entry: ReferenceEntry, pool: LoadedPool) -> dict[str, MetaLearner]:
        if entry.checkpoint is not None:
            learner = public_backbone(entry.checkpoint, entry.image_size)
            return {f"{entry.checkpoint.name} at {entry.image_size} px": learner}
        teachers = evenly_spread(pool.pool, entry.models)
        return {teacher.name: learner_of(teacher) for teacher in teachers}

    def _facts(self, learner: str, accuracies: Sequence[float], question: Question) -> Row:
        judging = self.judge.judging
        return {
            "learner": learner,
            "pack": question.pack,
            **self.judge.summary(accuracies, question),
            # Listed with the algorithms' results for the first head and calibration.
            "head_asked": judging.heads[0],
            "calibrate": judging.calibrations[0],
        }

    def _absent(self, entry: ReferenceEntry, pool: LoadedPool, seed: int) -> Row:
        # The report must not contain this machine's folders.
        name = "/".join(entry.checkpoint.parts[-2:]) if entry.checkpoint else ""
        reason = f"The published weights “{name}” do not exist; download them to that path."
        facts: Row = {"key": "", "kind": "refused", "label": entry.labels[0], "reason": reason}
        return self._row(entry, pool, seed, facts)

    def _row(self, entry: ReferenceEntry, pool: LoadedPool, seed: int, facts: Row) -> Row:
        return {
            "key": "",
            "kind": REFERENCE,
            "pool": pool.name,
            "scenario": pool.scenario,
            "teachers": len(pool.pool),
            "algorithm": entry.name,
            "seed": seed,
            **facts,
        }

    def _inputs(
        self, entry: ReferenceEntry, pool: LoadedPool, question: Question, seed: int
    ) -> dict[str, object]:
        """Return everything that a row depends on except its label."""
        judging, file = self.judge.judging, entry.checkpoint
        return {
            "reference": entry.name,
            "pool": pool.fingerprint,
            "models": entry.models,
            "checkpoint": None if file is None else file_hash(file),
            "image_size": entry.image_size,
            "pack": self.judge.packs.hash_of(question.pack),
            "question": asdict(question),
            "seed": seed,
            "judging": [judging.way, judging.query, judging.seed, judging.episodes],
            "shown_with": [judging.heads[0], judging.calibrations[0]],
            "adaptation": judging.adaptation,
        }


def _figures(
    entry: ReferenceEntry, accuracies: Mapping[str, list[float]]
) -> Iterator[tuple[str, str, list[float]]]:
    """Yield each row's label, the name of its learner, and the accuracies of its episodes."""
    best = max(accuracies, key=lambda name: statistics.fmean(accuracies[name]))
    figures = [(best, accuracies[best])]
    if entry.name == REFERENCES[0]:
        # Averaged over the models first, so that the spread is that of the episodes.
        mean = [statistics.fmean(values) for values in zip(*accuracies.values(), strict=True)]
        figures.insert(0, (f"each of {len(accuracies)} models", mean))
    for label, (learner, values) in zip(entry.labels, figures, strict=True):
        yield label, learner, values


def evenly_spread(pool: Pool, models: int | None) -> Sequence[Teacher]:
    """Return all teachers, or `models` of them at even intervals, starting with the first."""
    teachers = pool.teachers
    if models is None or models >= len(teachers):
        return teachers
    return [teachers[index * len(teachers) // models] for index in range(models)]
