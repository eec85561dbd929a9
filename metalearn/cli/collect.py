"""The `collect` command: make a pool folder from checkpoint files."""

import argparse
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from contract.declared import DeclaredFile
from metalearn.checkpoint import write_pool_entry
from metalearn.checkpoint.model import ReadModel, read_model
from metalearn.checkpoint.suggesting import NamesMissing, completed
from metalearn.checkpoint.teacher import teacher_of
from metalearn.cli.common import Commands, say, whole
from metalearn.errors import InvalidCheckpoint, InvalidPool
from metalearn.pool import Teacher


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("collect", help="make a pool from checkpoint files")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="one file per model")
    parser.add_argument("--out", type=Path, required=True, metavar="POOL_DIR", help="a new folder")
    parser.add_argument(
        "--architecture",
        metavar="NAME",
        help="their architecture, if the files do not determine it; see `inspect`",
    )
    parser.add_argument(
        "--image-size",
        type=whole(8, 1_024),
        default=0,
        metavar="PIXELS",
        help="image height and width for all of them (default: each model's own)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read every file, then write the folder atomically; an invalid file aborts."""
    if options.out.exists():
        raise InvalidPool(f"“{options.out}” exists; give a new folder.")
    _refuse_equal_names(options.files)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".collect-", dir=options.out.parent) as unfinished:
        for file in options.files:
            teacher = _read(file, options.architecture, options.image_size)
            write_pool_entry(Path(unfinished) / "pool", teacher, {"start": file.name})
            say(
                f"{file}  {teacher.spec.architecture}, {teacher.n_classes:,} classes, "
                f"{teacher.image_size} pixels"
            )
        (Path(unfinished) / "pool").rename(options.out)
    models = "1 model is" if len(options.files) == 1 else f"{len(options.files)} models are"
    print(f"{models} in {options.out}.")


def _read(file: Path, architecture: str | None, image_size: int) -> Teacher:
    declared = DeclaredFile(
        image_size, (), (), (), name=file.stem, architecture=architecture or "", file_name=file.name
    )
    try:
        model = read_model(file, declared)
        return teacher_of(model, _completed(model, declared))
    except InvalidCheckpoint as error:
        raise InvalidPool(f"“{file}”: {error}") from error


def _completed(model: ReadModel, declared: DeclaredFile) -> DeclaredFile:
    """Complete the declaration; unnamed classes are numbered after the model."""
    try:
        return completed(model, declared)[0]
    except NamesMissing as missing:
        numbers = range(model.spec.n_classes)
        names = tuple(f"{declared.name} {number}" for number in numbers)
        return replace(missing.rest, class_names=names)


def _refuse_equal_names(files: list[Path]) -> None:
    name, times = Counter(file.stem for file in files).most_common(1)[0]
    if times > 1:
        raise InvalidPool(f"{times} files are called “{name}”; a pool needs a name for each model.")
