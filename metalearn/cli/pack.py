"""The `pack` command: convert a data set's archive to one data pack per class split."""

import argparse
from pathlib import Path

from metalearn.cli.common import Commands
from metalearn.datasets.packs import write_pack
from metalearn.datasets.sources import SOURCES, SPLITS
from metalearn.errors import InvalidSetting


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("pack", help="make a data pack from a data set's own archive")
    parser.add_argument("dataset", choices=tuple(SOURCES), metavar="DATASET", help=_datasets())
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the archive, or its unpacked folder"
    )
    parser.add_argument("--split", choices=SPLITS, required=True, help="which classes")
    parser.add_argument("--out", type=Path, required=True, metavar="PACK", help="a new .npz file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if options.out.suffix != ".npz" or options.out.exists():
        raise InvalidSetting(
            f"“{options.out}” exists or is not called .npz; give a new file with --out."
        )
    data = SOURCES[options.dataset].read(options.file, options.split)
    write_pack(data, options.out)
    print(
        f"{len(data.images):,} pictures of {len(data.class_names)} classes, {data.image_size} x "
        f"{data.image_size} pixels, are in {options.out}."
    )


def _datasets() -> str:
    return "; ".join(
        f"{source.name}: {source.title}, from {source.files}" for source in SOURCES.values()
    )
