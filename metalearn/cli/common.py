"""What several commands share: options, devices, output, progress."""

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
    """What argparse's `add_subparsers` returns, as far as the commands need it."""

    def add_parser(self, name: str, **options: str) -> argparse.ArgumentParser:
        """Make the parser of one command."""


LARGEST_SEED = 2**63 - 1


def whole(low: int, high: int) -> Callable[[str], int]:
    """An option's type: a whole number in this range; argparse refuses any other by name."""

    def number(text: str) -> int:
        # Longer texts are never in a range, and Python refuses to read the longest ones.
        value = int(text) if len(text) <= _MAX_DIGITS else high + 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text[:30]} is not between {low} and {high}")
        return value

    number.__name__ = "whole number"
    return number


def add_seed(parser: argparse.ArgumentParser) -> None:
    """The option --seed."""
    parser.add_argument("--seed", type=whole(0, LARGEST_SEED), default=0, help="(default: 0)")


def add_device(parser: argparse.ArgumentParser) -> None:
    """The option --device."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="auto (a GPU if there is one), cpu, cuda or cuda:N (default: auto)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def find_device(name: str) -> torch.device:
    """The device of --device; InvalidSetting when this machine does not have it."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # which one without memory, “meta”, cannot
    except (RuntimeError, AssertionError):
        raise InvalidSetting(
            f"This machine has no device “{name}”; use --device auto or --device cpu."
        ) from None
    return device


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(data, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """The beginning of a text out of a file; whatever could steer the terminal is replaced."""
    return "".join(letter if letter.isprintable() else "�" for letter in text[:60])


def say(text: str) -> None:
    """One line on standard output, above a progress bar if there is one."""
    tqdm.write(text, file=sys.stdout)
    sys.stdout.flush()


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Pass the items on; on standard error a bar on a terminal, else a line every few seconds."""
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
