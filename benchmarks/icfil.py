"""Whether ICFIL helps: accuracy with and without it on the same episodes.

    python -m benchmarks.icfil --data PACK (--pool POOL_DIR [--teachers 20] | --learner DIR)

With `--pool`, single teachers stand in for meta-learners, as many episodes for each.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from metalearn.checkpoint import read_pool
from metalearn.datasets import read_data
from metalearn.evaluation import EvaluationPlan, episode_accuracies
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.settings import build

HEADS = {
    "prototypes": AdaptationSettings(head="prototypes"),
    "10 SGD steps from prototypes": AdaptationSettings(head="sgd", head_init="prototypes"),
}


@dataclass(frozen=True)
class Row:
    """Accuracies (0 to 1) of the same episodes without and with calibration."""

    without: list[float]
    calibrated: list[float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pool", type=Path)
    source.add_argument("--learner", type=Path)
    parser.add_argument("--teachers", type=int, default=20)
    parser.add_argument("--episodes", type=int, default=600, help="in all, for each row")
    parser.add_argument("--shots", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    learners = _learners(options)
    first = learners[0]
    data = read_data(options.data, channels=first.channels, image_size=first.image_size)
    changes = dict(pair.split("=", 1) for pair in options.set)
    print("| head | shots | without ICFIL | with ICFIL | difference (same episodes) |")
    print("|---|---:|---:|---:|---:|")
    for shots in options.shots:
        for name, head in HEADS.items():
            settings = build(AdaptationSettings, {**vars(head), **changes})
            row = _compare(learners, data.by_class(), settings, (shots, options.episodes))
            print(f"| {name} | {shots} | {_cells(row)} |", flush=True)


def _learners(options: argparse.Namespace) -> list[MetaLearner]:
    if options.learner:
        return [MetaLearner.load(options.learner)]
    teachers = read_pool(options.pool).teachers
    stride = max(1, len(teachers) // options.teachers)
    return [
        MetaLearner(teacher.network, mean=teacher.mean, std=teacher.std)
        for teacher in teachers[::stride][: options.teachers]
    ]


def _compare(
    learners: list[MetaLearner],
    images_by_class: list[Tensor],
    settings: AdaptationSettings,
    size: tuple[int, int],
) -> Row:
    shots, episodes = size
    calibrated = replace(settings, calibrate="icfil")
    row = Row([], [])
    for seed, learner in enumerate(learners):
        plan = EvaluationPlan(k_shot=shots, episodes=episodes // len(learners), seed=seed)
        row.without.extend(_followed(episode_accuracies(learner, images_by_class, plan, settings)))
        row.calibrated.extend(
            _followed(episode_accuracies(learner, images_by_class, plan, calibrated))
        )
    return row


def _followed(accuracies: Iterator[float]) -> Iterator[float]:
    for accuracy in accuracies:
        sys.stderr.write(".")
        sys.stderr.flush()
        yield accuracy


def _cells(row: Row) -> str:
    differences = [b - a for a, b in zip(row.without, row.calibrated, strict=True)]
    return " | ".join(
        [_interval(row.without), _interval(row.calibrated), _interval(differences, sign="+")]
    )


def _interval(values: list[float], *, sign: str = "") -> str:
    half = 1.96 * statistics.stdev(values) / len(values) ** 0.5
    return f"{100 * statistics.fmean(values):{sign}.2f} ± {100 * half:.2f}"


if __name__ == "__main__":
    main()
