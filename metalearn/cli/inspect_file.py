"""`inspect`: what is in a checkpoint file, without executing any of it."""

import argparse
from pathlib import Path
from typing import Any

from metalearn.checkpoint import inspect_checkpoint
from metalearn.cli.common import Commands, add_json, print_json, whole
from metalearn.networks import all_architectures


def add_parser(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("inspect", help="show what is in a checkpoint file, safely")
    parser.add_argument("file", type=Path, metavar="FILE", help=".safetensors, .pt or .pth")
    parser.add_argument(
        "--architecture",
        metavar="NAME",
        help=f"what it should be ({', '.join(all_architectures())}); detected when left out",
    )
    parser.add_argument(
        "--image-size", type=whole(1, 65_536), metavar="PIXELS", help="size it was trained with"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print architecture, input, classes, fingerprint and tensors."""
    facts = inspect_checkpoint(options.file, options.architecture, options.image_size)
    if options.json:
        print_json(facts)
        return
    print("\n".join(_lines(facts)))


def _lines(facts: dict[str, Any]) -> list[str]:
    known = facts["architecture"] is not None
    size = facts["image_size"] or "any size of"
    lines = [
        f"architecture  {facts['architecture'] or 'not one of the known ones'}"
        + (f", width {facts['width']}" if known else ""),
        f"input         {facts['channels']} channels, {size} pixels" if known else "",
        f"classes       {facts['n_classes']}{_names(facts['class_names'])}" if known else "",
        f"parameters    {facts['n_parameters']:,}",
        f"file          {facts['size_bytes']:,} bytes",
        f"fingerprint   {facts['fingerprint']}",
        f"tensors       {len(facts['tensors'])}",
    ]
    lines += [f"  {t['name']}  {t['dtype']}  {t['shape']}" for t in facts["tensors"]]
    return [line for line in lines if line]


def _names(class_names: list[str] | None) -> str:
    """Names come out of the file: whatever could steer the terminal is replaced."""
    if not class_names:
        return ""
    clean = ["".join(c if c.isprintable() else "�" for c in name[:60]) for name in class_names[:20]]
    return f" ({', '.join(clean)}{', …' if len(class_names) > 20 else ''})"
