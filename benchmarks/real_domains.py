"""Accuracy of learners of real models on real images, compared with baselines.

`python -m benchmarks.real_domains PACKS --pool POOL_DIR --backbone FILE [--learner DIR ...]`

PACKS holds `grocery81_val.npz`, `clothing16_val.npz` and `chula_rbc12_val.npz`, on whose classes no
model of the pool was trained. Each row is a method of classification from 1 or 5 images per class:
nearest centroid of features (or, with `--head ridge`, a linear classifier), 5 classes at a time if
a pack has as many, 15 queries each, support and queries from different groups, the same tasks in
every row. Prints a Markdown table with the mean over domains; `--json FILE` saves the numbers.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from metalearn.algorithms.teacher_ensemble import TeacherEnsemble, TeacherEnsembleConfig
from metalearn.bench.references import learner_of, public_backbone
from metalearn.checkpoint import read_pool
from metalearn.datasets import read_data
from metalearn.evaluation import Evaluation, EvaluationPlan, evaluate
from metalearn.merging.learner_start import largest_family
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.pool import Pool

PACKS = {
    "groceries": "grocery81_val.npz",
    "clothes": "clothing16_val.npz",
    "blood cells": "chula_rbc12_val.npz",
}
SHOTS = (1, 5)
CPU = torch.device("cpu")
Figures = dict[str, Evaluation]
"""Evaluations by domain and shots, such as “groceries 1”."""


@dataclass(frozen=True)
class Row:
    """A row of the table; `spent` is the processor seconds of its evaluation."""

    title: str
    figures: Figures
    spent: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Learners of real models on real pictures.")
    parser.add_argument("packs", type=Path, metavar="PACKS")
    parser.add_argument("--pool", type=Path, metavar="POOL_DIR")
    parser.add_argument("--backbone", type=Path, metavar="FILE", help="EfficientNet-Lite0")
    parser.add_argument("--learner", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--head", default="prototypes", choices=("prototypes", "ridge"))
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    settings = AdaptationSettings(head=options.head, head_init="prototypes")
    judge = Judge(options.packs, options.episodes, options.seed, settings)
    rows = []
    for row in all_rows(judge, options.pool, options.backbone, options.learner):
        rows.append(row)
        print(f"{row.title}  {mean_of(row.figures):.1f}  ({row.spent:.0f} s)", flush=True)
    print(f"\n{table(rows)}")
    if options.json:
        values = {row.title: {k: e.as_dict() for k, e in row.figures.items()} for row in rows}
        options.json.write_text(json.dumps(values, indent=1) + "\n")


class Judge:
    """Evaluator of learners on the packs, at each learner's input size, with one head for all."""

    def __init__(self, packs: Path, episodes: int, seed: int, settings: AdaptationSettings) -> None:
        self.packs = packs
        self.episodes = episodes
        self.seed = seed
        self.settings = settings

    def row(self, title: str, learner: MetaLearner) -> Row:
        begin = time.process_time()
        figures = {}
        for domain, file in PACKS.items():
            data = read_data(self.packs / file, channels=3, image_size=learner.image_size)
            plan = EvaluationPlan(
                n_way=min(5, len(data.class_names)), episodes=self.episodes, seed=self.seed
            )
            for shots in SHOTS:
                figures[f"{domain} {shots}"] = evaluate(
                    learner,
                    data.by_class(),
                    replace(plan, k_shot=shots),
                    self.settings,
                    tracks_by_class=data.tracks_by_class(),
                )
        return Row(title, figures, time.process_time() - begin)


def all_rows(
    judge: Judge, pool: Path | None, backbone: Path | None, learners: Sequence[Path]
) -> Iterator[Row]:
    if backbone is not None:
        for size in (112, 224):
            learner = public_backbone(backbone, size)
            yield judge.row(f"public backbone at {size} px", learner)
    if pool is not None:
        yield from _rows_of_pool(judge, read_pool(pool))
    for folder in learners:
        learner = MetaLearner.load(folder)
        yield judge.row(f"learner {folder.name} at {learner.image_size} px", learner)


def _rows_of_pool(judge: Judge, pool: Pool) -> Iterator[Row]:
    models = [judge.row(teacher.name, learner_of(teacher)) for teacher in pool.teachers]
    yield from models
    yield Row("mean of all models", _mean([row.figures for row in models]))
    yield Row("best model of each column (oracle)", _best([row.figures for row in models]))
    yield judge.row("all models side by side", _side_by_side(pool))
    family = pool.part(largest_family(pool))
    yield judge.row("relatives side by side", _side_by_side(family))


def _side_by_side(pool: Pool) -> MetaLearner:
    run = TeacherEnsemble(pool, TeacherEnsembleConfig(), device=CPU, seed=0)
    while run.steps_done < run.total_steps:
        run.step()
        run.steps_done += 1
    return run.meta_learner()


def _mean(figures: Sequence[Figures]) -> Figures:
    return {
        key: replace(
            figures[0][key],
            accuracy=statistics.fmean(each[key].accuracy for each in figures),
            interval95=statistics.fmean(each[key].interval95 for each in figures),
        )
        for key in figures[0]
    }


def _best(figures: Sequence[Figures]) -> Figures:
    return {key: max((f[key] for f in figures), key=lambda e: e.accuracy) for key in figures[0]}


def mean_of(figures: Figures) -> float:
    return statistics.fmean(figure.accuracy for figure in figures.values())


def table(rows: Sequence[Row]) -> str:
    heads = [f"{domain} ({figure.way}-way)" for domain, figure in _first_of(rows[0].figures)]
    lines = [f"| | {' | '.join(heads)} | mean |", f"|---|{'---:|' * (len(heads) + 1)}"]
    for row in rows:
        cells = [
            " / ".join(_shown(row.figures[f"{domain} {shots}"]) for shots in SHOTS)
            for domain in PACKS
        ]
        lines.append(f"| {row.title} | {' | '.join(cells)} | {mean_of(row.figures):.1f} |")
    return "\n".join(lines)


def _first_of(figures: Figures) -> list[tuple[str, Evaluation]]:
    return [(domain, figures[f"{domain} {SHOTS[0]}"]) for domain in PACKS]


def _shown(figure: Evaluation) -> str:
    return f"{figure.accuracy:.1f} ± {figure.interval95:.1f}"


if __name__ == "__main__":
    main()
