"""The `adapt` command: learn classes from one folder and label the pictures of another."""

import argparse
import sys
from pathlib import Path

import torch

from metalearn.cli.adaptation_options import adaptation_settings, add_adaptation_options
from metalearn.cli.common import Commands, add_device, add_json, add_seed, find_device, print_json
from metalearn.datasets import read_folder, read_pictures
from metalearn.meta_learner import MetaLearner


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("adapt", help="label pictures after seeing a few examples")
    parser.add_argument("learner", type=Path, metavar="LEARNER_DIR")
    parser.add_argument(
        "--support", type=Path, required=True, metavar="FOLDER", help="one sub-folder per class"
    )
    parser.add_argument(
        "--query", type=Path, required=True, metavar="FOLDER", help="pictures to label"
    )
    add_seed(parser)
    add_adaptation_options(parser)
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    learner = MetaLearner.load(options.learner).to(find_device(options.device))
    settings = adaptation_settings(options, learner.defaults)
    support = read_folder(options.support, channels=learner.channels, image_size=learner.image_size)
    query = list(read_pictures(options.query, learner.channels, learner.image_size))
    classifier = learner.adapt(
        support.images.float() / 255, support.labels, settings=settings, seed=options.seed
    )
    for remark in classifier.remarks:
        print(remark, file=sys.stderr)
    images = torch.stack([picture for _, picture in query]).float() / 255
    rows = classifier.probabilities(images).tolist()
    names = [str(file.relative_to(options.query)) for file, _ in query]
    if options.json:
        print_json(_answer(support.class_names, names, rows))
        return
    for name, row in zip(names, rows, strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        print(f"{name}\t{support.class_names[best]}\t{row[best]:.1%}")


def _answer(
    labels: tuple[str, ...], names: list[str], rows: list[list[float]]
) -> dict[str, object]:
    """Return predictions in the form of the REST API, with the file of each picture."""
    return {
        "labels": list(labels),
        "predictions": [
            {
                "image": name,
                "label": labels[max(range(len(row)), key=row.__getitem__)],
                "probabilities": row,
            }
            for name, row in zip(names, rows, strict=True)
        ],
    }
