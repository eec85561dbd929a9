"""The command line `python -m metalearn`. Each command is a module with `add_parser` and `run`."""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence

from metalearn.cli import (
    adapt,
    algorithms,
    bench,
    collect,
    evaluate,
    inspect_file,
    pack,
    pretrain,
    train,
)
from metalearn.datasets import PictureWarning
from metalearn.errors import MetaLearnError
from metalearn.numerics.allocator import keep_freed_memory

DONE, REFUSED, INTERRUPTED = 0, 2, 130

_COMMANDS = (algorithms, inspect_file, pack, collect, pretrain, train, evaluate, adapt, bench)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m metalearn",
        description="Data-free meta-learning: from trained models to a few-shot learner.",
        epilog="Exit codes: 0 done, 2 refused (the reason is on standard error), 1 a bug.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Errors that the user can fix become one sentence on standard error."""
    options = build_parser().parse_args(arguments)
    keep_freed_memory()
    with warnings.catch_warnings():
        warnings.showwarning = _warn_by(warnings.showwarning)
        warnings.simplefilter("always", PictureWarning)
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        options.run(options)
    except MetaLearnError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except BrokenPipeError:
        # `… | head` has closed the pipe; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(_about_file(error), file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("Stopped; nothing half-written was left behind.", file=sys.stderr)
        return INTERRUPTED
    return DONE


def _about_file(error: OSError) -> str:
    where = f"“{error.filename}”: " if error.filename else ""
    return f"{where}{error.strerror or error}; check the path, your rights and the free space."


def _warn_by(usual: Callable[..., None]) -> Callable[..., None]:
    def warn(message: Warning | str, category: type[Warning], *where: object) -> None:
        if issubclass(category, PictureWarning):
            print(message, file=sys.stderr)
        else:
            usual(message, category, *where)

    return warn
