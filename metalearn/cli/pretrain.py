"""`pretrain`: make a pool of teachers from a data pack or a folder of images."""

import argparse
from pathlib import Path

from metalearn.checkpoint import write_pool_entry
from metalearn.cli.common import Commands, add_device, add_seed, find_device, progress, say, whole
from metalearn.datasets import read_data
from metalearn.errors import InvalidPool
from metalearn.networks import all_architectures
from metalearn.pretraining import PretrainingPlan, pretrain


def add_parser(commands: Commands) -> None:
    """Add the command to the parser."""
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
        "--architecture", default="conv4", metavar="NAME", help=", ".join(all_architectures())
    )
    parser.add_argument(
        "--width", type=whole(0, 4_096), default=0, help="0 takes the usual one (default)"
    )
    parser.add_argument("--epochs", type=whole(1, 100_000), default=60, help="(default: 60)")
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
    """Train the models one by one; each is in the pool as soon as it is done."""
    plan = PretrainingPlan(
        n_models=options.models,
        n_way=options.way,
        architecture=options.architecture,
        width=options.width,
        epochs=options.epochs,
        seed=options.seed,
    )
    if options.out.exists() and any(options.out.iterdir()):
        raise InvalidPool(f"“{options.out}” is not empty; give a new folder.")
    device = find_device(options.device)
    data = read_data(options.pack, channels=options.channels, image_size=options.image_size)
    for done in progress(pretrain(data, plan, device), plan.n_models, "pretrained"):
        facts = {
            "dataset": options.pack.stem,
            "held_out_accuracy": round(done.held_out_accuracy, 4),
            "epochs": plan.epochs,
            "seed": plan.seed,
            "seconds": round(done.seconds, 1),
        }
        path = write_pool_entry(options.out, done.teacher, facts)
        say(f"{path}  {done.held_out_accuracy:.1%} on held-out pictures")
