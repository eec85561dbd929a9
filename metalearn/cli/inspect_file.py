"""The `inspect` command: the contents of a checkpoint file, without executing any of it."""

import argparse
from pathlib import Path
from typing import Any

from contract.declared import DeclaredFile
from metalearn.checkpoint.inspection import inspect_model
from metalearn.checkpoint.model import read_model
from metalearn.checkpoint.recognition import CHOSEN
from metalearn.cli.common import Commands, add_json, print_json, printable, whole
from metalearn.cli.inspect_pictures import add_picture_options, check_pictures, picture_lines


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("inspect", help="show what is in a checkpoint file, safely")
    parser.add_argument("file", type=Path, metavar="FILE", help=".safetensors, .pt or .pth")
    parser.add_argument(
        "--architecture",
        metavar="NAME",
        help="such as timm/resnet18; by default recognised from the file",
    )
    parser.add_argument(
        "--weights", choices=("raw", "ema"), help="which to read if the file also has averaged ones"
    )
    parser.add_argument(
        "--image-size", type=whole(1, 65_536), metavar="PIXELS", help="size it was trained with"
    )
    add_picture_options(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    wanted = DeclaredFile(
        architecture=options.architecture,
        image_size=options.image_size,
        weights=options.weights,
        file_name=options.file.name,
    )
    model = read_model(options.file, wanted)
    facts = inspect_model(model, options.image_size)
    if pictures := check_pictures(model, options):
        facts["pictures"] = pictures
    if options.json:
        print_json(facts)
        return
    print("\n".join(_lines(facts)))


def _lines(facts: dict[str, Any]) -> list[str]:
    size = facts["image_size"] or "any size of"
    others = [name for name in facts["candidates"] if name != facts["architecture"]]
    lines = [
        f"architecture  {facts['architecture']}, width {facts['width']}",
        f"told by       {_told(facts)}",
        f"also fits     {', '.join(others[:5])}{', …' if len(others) > 5 else ''}"
        if others
        else "",
        f"input         {facts['channels']} channels, {size} pixels",
        f"classes       {facts['n_classes']}{_names(facts['class_names'])}",
        f"weights       {_weights(facts)}",
        f"parameters    {facts['n_parameters']:,}",
        f"file          {facts['size_bytes']:,} bytes",
        f"fingerprint   {facts['fingerprint']}",
        f"left out      {len(facts['left_out'])}" if facts["left_out"] else "",
        *(f"  {printable(name)}: {why}" for name, why in facts["left_out"]),
        *picture_lines(facts.get("pictures")),
        f"tensors       {len(facts['tensors'])}",
    ]
    lines += [f"  {t['name']}  {t['dtype']}  {t['shape']}" for t in facts["tensors"]]
    return [line for line in lines if line]


def _told(facts: dict[str, Any]) -> str:
    if facts["guessed"]:
        return "a guess from the tensors alone"
    return "--architecture" if facts["told_by"] == CHOSEN else f"the file: {facts['told_by']}"


def _weights(facts: dict[str, Any]) -> str:
    words = {"raw": "as training left them", "ema": "averaged (EMA)"}
    others = [words[kind] for kind in facts["other_weights"]]
    return words[facts["weights"]] + (f"; the file also has them {others[0]}" if others else "")


def _names(class_names: list[str] | None) -> str:
    if not class_names:
        return ""
    clean = [printable(name) for name in class_names[:20]]
    return f" ({', '.join(clean)}{', …' if len(class_names) > 20 else ''})"
