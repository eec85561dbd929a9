"""Helpers shared by commands: options, devices, output, progress."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

import torch
from tqdm import tqdm

from metalearn.errors import InvalidSetting

T = TypeVar("T")

_PLAIN_EVERY_S = 5.0
_MAX_DIGITS = 20


@runtime_checkable
class Commands(Protocol):
    """The part of argparse's `add_subparsers` result that commands use."""

    def add_parser(self, name: str, **options: str) -> argparse.ArgumentParser:
        """Create the parser of one command."""


LARGEST_SEED = 2**63 - 1


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return an option type for integers in this range."""

    def number(text: str) -> int:
        # Longer texts are out of any range, and Python refuses to parse the longest ones.
        value = int(text) if len(text) <= _MAX_DIGITS else high + 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text[:30]} is not between {low} and {high}")
        return value

    number.__name__ = "whole number"
    return number


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=whole(0, LARGEST_SEED), default=0, help="(default: 0)")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="auto (a GPU if there is one), cpu, cuda or cuda:N (default: auto)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def find_device(name: str) -> torch.device:
    """Return the device of --device; raise InvalidSetting if this machine does not have it."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # fails on devices without memory, such as “meta”
    except (RuntimeError, AssertionError):
        raise InvalidSetting(
            f"This machine has no device “{name}”; use --device auto or --device cpu."
        ) from None
    return device


def print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """Return the start of an untrusted text, without characters that could control the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text[:60])


def say(text: str) -> None:
    """Print a line on standard output, above a progress bar if there is one."""
    tqdm.write(text, file=sys.stdout)
    sys.stdout.flush()


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield the items; show a bar on a terminal, else print a line every few seconds."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=label, file=sys.stderr)
        return
    last = float("-inf")
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if number == total or now - last >= _PLAIN_EVERY_S:
            print(f"{label} {number}/{total}", file=sys.stderr, flush=True)
            last = now
