"""The `pretrain` command: make a pool of teachers, from scratch or fine-tuned from a file."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch

from metalearn.checkpoint import write_pool_entry
from metalearn.cli.common import Commands, add_device, add_seed, find_device, progress, say, whole
from metalearn.datasets import ImageSet, read_data
from metalearn.errors import InvalidPool
from metalearn.learning.fine_tuning import FineTuningPlan, fine_tune, read_start
from metalearn.learning.pretraining import (
    PretrainedTeacher,
    PretrainingPlan,
    draw_class_names,
    pretrain,
)


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("pretrain", help="make a pool of models from a data pack")
    parser.add_argument("pack", type=Path, metavar="PACK", help="a .npz pack or a folder of images")
    parser.add_argument("--out", type=Path, required=True, metavar="POOL_DIR", help="a new folder")
    parser.add_argument(
        "--models", type=whole(1, 100_000), required=True, metavar="N", help="how many models"
    )
    parser.add_argument(
        "--way", type=whole(2, 1_000), default=5, help="classes per model (default: 5)"
    )
    parser.add_argument(
        "--architecture",
        default="conv4",
        metavar="NAME",
        help="conv4 (default), resnet10, resnet18, or one of timm, torchvision or transformers",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FILE",
        help="fine-tune this checkpoint: a new head, the usual augmentation, and the epoch with "
        "the best held-out accuracy; its architecture is recognised",
    )
    parser.add_argument(
        "--width", type=whole(0, 4_096), default=0, help="(default: 0, the architecture's own)"
    )
    parser.add_argument(
        "--epochs",
        type=whole(1, 100_000),
        help="(default: 60; at most 12 with --from, which ends early)",
    )
    add_seed(parser)
    parser.add_argument(
        "--image-size",
        type=whole(8, 1_024),
        default=84,
        help="for pictures that are decoded (default: 84)",
    )
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3), help="(default: 3)")
    add_device(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train the models one by one; each is added to the pool as soon as it is done."""
    if options.out.exists() and any(options.out.iterdir()):
        raise InvalidPool(f"“{options.out}” is not empty; give a new folder.")
    device = find_device(options.device)
    data = read_data(options.pack, channels=options.channels, image_size=options.image_size)
    models = (
        _untaught(data, options, device) if options.start is None else _tuned(data, options, device)
    )
    for done in progress(models, options.models, "pretrained"):
        facts = {
            "dataset": options.pack.stem,
            "held_out_accuracy": round(done.held_out_accuracy, 4),
            "epochs": done.epochs,
            "seed": options.seed,
            "seconds": round(done.seconds, 1),
            **({} if options.start is None else {"start": options.start.name}),
        }
        path = write_pool_entry(options.out, done.teacher, facts)
        say(f"{path}  {done.held_out_accuracy:.1%} on held-out pictures")


def _untaught(
    data: ImageSet, options: argparse.Namespace, device: torch.device
) -> Iterator[PretrainedTeacher]:
    plan = PretrainingPlan(
        n_models=options.models,
        n_way=options.way,
        architecture=options.architecture,
        width=options.width,
        epochs=options.epochs or 60,
        seed=options.seed,
    )
    return pretrain(data, plan, device)


def _tuned(
    data: ImageSet, options: argparse.Namespace, device: torch.device
) -> Iterator[PretrainedTeacher]:
    for index in range(options.models):
        seed = options.seed * 1_000_003 + index
        classes = draw_class_names(data, options.way, torch.Generator().manual_seed(seed))
        start = read_start(
            options.start, n_classes=options.way, image_size=data.image_size, seed=seed
        )
        plan = FineTuningPlan(epochs=options.epochs or 12, seed=seed)
        yield fine_tune(data, classes, start, plan, device=device, name=f"model_{index:03d}")
