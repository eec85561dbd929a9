"""The `evaluate` command: few-shot accuracy of a meta-learner on unseen classes."""

import argparse
import sys
from pathlib import Path

from metalearn.cli.adaptation_options import adaptation_settings, add_adaptation_options
from metalearn.cli.common import (
    Commands,
    add_device,
    add_json,
    add_seed,
    find_device,
    print_json,
    progress,
    whole,
)
from metalearn.datasets import read_data
from metalearn.evaluation import EvaluationPlan, episode_accuracies, summarise
from metalearn.learning.support_statistics import NO_BATCHNORM
from metalearn.meta_learner import MetaLearner
from metalearn.networks.batchnorm import has_batchnorm


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("evaluate", help="measure a meta-learner on a data pack")
    parser.add_argument("learner", type=Path, metavar="LEARNER_DIR")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="PACK", help="a .npz pack or a folder of images"
    )
    parser.add_argument("--way", type=whole(2, 1_000), default=5, help="classes (default: 5)")
    parser.add_argument(
        "--shot", type=whole(1, 10_000), default=5, help="images per class (default: 5)"
    )
    parser.add_argument(
        "--query", type=whole(1, 10_000), default=15, help="per class (default: 15)"
    )
    parser.add_argument("--episodes", type=whole(2, 1_000_000), default=600, help="(default: 600)")
    add_seed(parser)
    add_adaptation_options(parser)
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    plan = EvaluationPlan(
        n_way=options.way,
        k_shot=options.shot,
        n_query=options.query,
        episodes=options.episodes,
        seed=options.seed,
    )
    learner = MetaLearner.load(options.learner).to(find_device(options.device))
    settings = adaptation_settings(options, learner.defaults)
    if settings.calibrate == "statistics" and not has_batchnorm(learner.network):
        print(NO_BATCHNORM, file=sys.stderr)
    data = read_data(options.data, channels=learner.channels, image_size=learner.image_size)
    accuracies = episode_accuracies(
        learner, data.by_class(), plan, settings, tracks_by_class=data.tracks_by_class()
    )
    result = summarise(list(progress(accuracies, plan.episodes, "episodes")), plan, settings)
    if options.json:
        print_json(result.as_dict())
        return
    print(
        f"{result.accuracy:.2f} ± {result.interval95:.2f} %  "
        f"({result.way}-way {result.shot}-shot, {result.episodes} episodes, {result.head} head, "
        f"calibration {result.calibrate}, {result.batchnorm} batch-norm)"
    )
