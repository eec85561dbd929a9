"""Gain of calibrations and heads over prototypes, on the same episodes.

    python -m benchmarks.calibration --data PACK
        (--pool POOL_DIR [--teachers 4] | --learner DIR | --checkpoint FILE --size PIXELS)
        [--kinds recommended statistics icfil oracle ...] [--shots 5 1]

With `--pool`, single teachers stand in for meta-learners, with equally many episodes each; with
`--checkpoint`, the features of one classifier. If a pack has tracks, support and query images come
from different ones. `oracle` is ICFIL with real images of the class, outside the episode, in place
of recovered ones, which bounds what any inversion can achieve.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from benchmarks.oracle import oracle_accuracies
from metalearn.checkpoint import read_pool
from metalearn.datasets import ImageSet, read_data
from metalearn.evaluation import EvaluationPlan, episode_accuracies
from metalearn.learning.fine_tuning import read_start
from metalearn.meta_learner import AdaptationSettings, MetaLearner, calibrated
from metalearn.settings import build

PLAIN = AdaptationSettings()
COSINE = {"icfil_loss": "cosine", "calibration_lr": 0.01, "calibration_temperature": 0.5}
KINDS: dict[str, dict[str, object]] = {
    "recommended": asdict(calibrated(PLAIN)),
    "statistics": {"calibrate": "statistics"},
    "statistics_ridge": {"calibrate": "statistics", "head": "ridge"},
    "ridge_unmirrored": {"head": "ridge", "mirror_support": False},
    "icfil": {"calibrate": "icfil"},
    "icfil_cosine": {"calibrate": "icfil", **COSINE},
    "oracle": {"calibrate": "icfil"},
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    learners = _learners(options)
    first = learners[0]
    data = read_data(options.data, channels=first.channels, image_size=first.image_size)
    changes = dict(pair.split("=", 1) for pair in options.set)
    print("| pack | way | shots | episodes | prototypes | kind | difference (same episodes) |")
    print("|---|---:|---:|---:|---:|---|---:|")
    for shots in options.shots:
        measured = partial(_accuracies, learners, data, options, shots=shots)
        plain = measured(PLAIN, perfect=False)
        for kind in options.kinds:
            settings = build(AdaptationSettings, {**asdict(PLAIN), **KINDS[kind], **changes})
            found = measured(settings, perfect=kind == "oracle")
            gains = [after - before for before, after in zip(plain, found, strict=True)]
            cells = (options.data.stem, options.way, shots, len(plain), interval(plain), kind)
            print("|", *(f"{cell} |" for cell in cells), interval(gains, sign="+"), "|", flush=True)


def _parser() -> argparse.ArgumentParser:
    usage = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=usage)
    parser.add_argument("--data", type=Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pool", type=Path)
    source.add_argument("--learner", type=Path)
    source.add_argument("--checkpoint", type=Path)
    parser.add_argument("--size", type=int, default=112, help="input size of a checkpoint")
    parser.add_argument("--teachers", type=int, default=4)
    parser.add_argument("--episodes", type=int, default=200, help="in total, for each row")
    parser.add_argument("--way", type=int, default=5)
    parser.add_argument("--query", type=int, default=15, help="per class")
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 1])
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS)[:3])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    return parser


def _learners(options: argparse.Namespace) -> list[MetaLearner]:
    if options.learner:
        return [MetaLearner.load(options.learner)]
    if options.checkpoint:
        start = read_start(options.checkpoint, n_classes=5, image_size=options.size, seed=0)
        return [MetaLearner(start.network, mean=start.mean, std=start.std)]
    teachers = read_pool(options.pool).teachers
    stride = max(1, len(teachers) // options.teachers)
    return [
        MetaLearner(teacher.network, mean=teacher.mean, std=teacher.std)
        for teacher in teachers[::stride][: options.teachers]
    ]


def _accuracies(
    learners: list[MetaLearner],
    data: ImageSet,
    options: argparse.Namespace,
    settings: AdaptationSettings,
    *,
    perfect: bool,
    shots: int,
) -> list[float]:
    accuracies = oracle_accuracies if perfect else episode_accuracies
    found: list[float] = []
    for seed, learner in enumerate(learners):
        plan = EvaluationPlan(
            n_way=options.way,
            k_shot=shots,
            n_query=options.query,
            episodes=options.episodes // len(learners),
            seed=seed,
        )
        tracks = data.tracks_by_class()
        one = accuracies(learner, data.by_class(), plan, settings, tracks_by_class=tracks)
        found.extend(_followed(one))
    return found


def _followed(accuracies: Iterator[float]) -> Iterator[float]:
    for accuracy in accuracies:
        sys.stderr.write(".")
        sys.stderr.flush()
        yield accuracy


def interval(values: Sequence[float], *, sign: str = "") -> str:
    half = 1.96 * statistics.stdev(values) / len(values) ** 0.5
    return f"{100 * statistics.fmean(values):{sign}.2f} ± {100 * half:.2f}"


if __name__ == "__main__":
    main()
