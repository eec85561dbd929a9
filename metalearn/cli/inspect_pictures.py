"""`inspect --pictures`: the accuracy of a file's model on a folder of pictures."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint.model import ReadModel
from metalearn.checkpoint.suggesting import completed
from metalearn.checkpoint.teacher import teacher_of
from metalearn.cli.common import printable
from metalearn.datasets import Pixels, class_folders, read_pictures
from metalearn.errors import InvalidData, InvalidSetting
from metalearn.evaluation.picture_check import Judged, class_called, judge, n_in_top
from metalearn.pool import Teacher

_MOST_WRONG = 20


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add --pictures, and the options that correct or complete the file's facts."""
    pictures = parser.add_argument_group("check with pictures")
    pictures.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="count the correct predictions; one sub-folder per class, named after it",
    )
    pictures.add_argument(
        "--class-names",
        type=Path,
        metavar="FILE",
        help="one name per line, in the order of the outputs; overrides the file's",
    )
    for name, what in (("mean", "mean"), ("std", "standard deviation")):
        pictures.add_argument(
            f"--{name}",
            type=float,
            nargs="+",
            metavar="NUMBER",
            help=f"{what} of each channel, for images from 0 to 1; overrides the file's",
        )


def check_pictures(model: ReadModel, options: argparse.Namespace) -> dict[str, Any] | None:
    """Return counts, predictions and unknown folders, JSON-ready; None without --pictures."""
    if options.pictures is None:
        _refuse_what_needs_pictures(options)
        return None
    teacher = _teacher(model, options)
    known, unknown = _by_class(options.pictures, teacher)
    files: list[Path] = []
    pictures = _pictures(known, teacher, files)
    judged = list(judge(teacher, pictures, torch.device("cpu")))
    return {
        "n": len(judged),
        "n_right": sum(one.right for one in judged),
        "n_right_top5": n_in_top(judged, teacher.n_classes),
        "unknown_folders": unknown,
        "predictions": [
            _prediction(str(file.relative_to(options.pictures)), one, teacher)
            for file, one in zip(files, judged, strict=True)
        ],
    }


def picture_lines(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    wrong = [one for one in found["predictions"] if not one["right"]]
    top = found["n_right_top5"]
    unknown = ", ".join(printable(name) for name in found["unknown_folders"])
    return [
        f"pictures      {found['n_right']} of {found['n']} right"
        + (f"; {top} among the first five" if top is not None else ""),
        *(_told(one) for one in wrong[:_MOST_WRONG]),
        f"  … and {len(wrong) - _MOST_WRONG} more" if len(wrong) > _MOST_WRONG else "",
        f"no class      {unknown}" if unknown else "",
    ]


def _refuse_what_needs_pictures(options: argparse.Namespace) -> None:
    for name in ("class_names", "mean", "std"):
        if getattr(options, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InvalidSetting(f"{option} is for judging pictures; give --pictures as well.")


def _teacher(model: ReadModel, options: argparse.Namespace) -> Teacher:
    """Make the classifier from the options, else the file's facts, else its architecture's."""
    declared = DeclaredFile(
        name=options.file.stem,
        image_size=options.image_size or 0,
        mean=tuple(options.mean or ()),
        std=tuple(options.std or ()),
        class_names=_names(options.class_names),
    )
    return teacher_of(model, completed(model, declared)[0])


def _names(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(name for line in lines if (name := line.strip()))


def _by_class(path: Path, teacher: Teacher) -> tuple[list[tuple[int, Path]], list[str]]:
    """Return (class index, folder) pairs, and the names of folders that match no class."""
    known: list[tuple[int, Path]] = []
    unknown: list[str] = []
    for folder in class_folders(path):
        number = class_called(folder.name, teacher.class_names)
        if number is None:
            unknown.append(folder.name)
        else:
            known.append((number, folder))
    if not known:
        raise InvalidData(
            f"No folder in “{path}” is named after a class of the model; name them after "
            f"{_some(teacher.class_names)}."
        )
    return known, unknown


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(printable(name) for name in names[:5])
    return f"{shown}, …" if len(names) > 5 else shown


def _pictures(
    folders: list[tuple[int, Path]], teacher: Teacher, files: list[Path]
) -> Iterator[tuple[int, Pixels]]:
    """Yield each picture with its class index, and append its path to `files`."""
    for number, folder in folders:
        for file, pixels in read_pictures(folder, teacher.channels, teacher.image_size):
            files.append(file)
            yield number, pixels


def _prediction(image: str, one: Judged, teacher: Teacher) -> dict[str, Any]:
    return {
        "image": image,
        "label": teacher.class_names[one.label],
        "predicted": teacher.class_names[one.predicted],
        "probability": round(one.probability, 6),
        "right": one.right,
    }


def _told(one: dict[str, Any]) -> str:
    predicted, probability = printable(one["predicted"]), one["probability"]
    return f"  {printable(one['image'])}: {predicted}, {probability:.1%}"
