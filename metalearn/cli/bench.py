"""The `bench` command: compare algorithms on pools and data packs."""

import argparse
import shlex
from pathlib import Path

from metalearn.bench import Suite, find_suite, read_suite, run_suite, write_report
from metalearn.bench.kept_rows import with_kept_rows
from metalearn.bench.plots import can_plot
from metalearn.bench.report import MISSING
from metalearn.bench.rows import Row
from metalearn.bench.run import ROWS
from metalearn.bench.suite import shipped_suites
from metalearn.cli.common import Commands, add_device, find_device, progress, say
from metalearn.errors import InvalidSetting

_DEFAULT = "cifar_fs"
_OUT = Path("docs/benchmarks")


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("bench", help="compare algorithms; write tables and figures")
    parser.add_argument(
        "--suite",
        default=_DEFAULT,
        metavar="NAME|FILE",
        help=f"{', '.join(shipped_suites())}, or a .toml file (default: {_DEFAULT})",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a first look: 100 episodes, one seed, the algorithms' quick settings",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"(default: {_OUT}/SUITE, or SUITE-quick)"
    )
    parser.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        help="base folder of the suite's pools and packs (default: the file's folder; for a "
        "shipped suite, the current one)",
    )
    parser.add_argument(
        "--again",
        nargs="*",
        metavar="LABEL",
        help="measure all rows (or these) again, such as after a code change; by default existing "
        "rows are kept",
    )
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="LABEL",
        help="measure only these rows (none: nothing); the others stay on the page unchanged",
    )
    add_device(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure the missing rows one by one, then write the page and its figures."""
    suite = read_suite(find_suite(options.suite), data_root=options.data_root)
    out = options.out or _OUT / f"{suite.name}{'-quick' if options.quick else ''}"
    if options.quick:
        suite = suite.quickened()
    rows = _measured(options, suite, out)
    fresh = write_report(suite, rows, out, _command(options, suite))
    if not can_plot():
        say(MISSING)
    say(f"The table is in {fresh[0]}.")


def _measured(options: argparse.Namespace, suite: Suite, out: Path) -> list[Row]:
    """Return the page's rows after measuring those that are missing."""
    again = _known_labels(options.again, suite)
    only = _known_labels(options.only, suite)
    chosen = suite if options.only is None else suite.narrowed(only)
    if options.again == []:
        again = chosen.labels
    rows = []
    if chosen.labels:
        device = find_device(options.device)
        for done in run_suite(chosen, out, device, progress, again=again):
            rows.append(done.row)
            if done.fresh:
                say(_line(done.row))
    if chosen is suite:
        return rows
    return with_kept_rows(suite, out / ROWS, rows, chosen.labels)


def _known_labels(labels: list[str] | None, suite: Suite) -> list[str]:
    """Return the labels; raise InvalidSetting if the suite does not have one of them."""
    for label in labels or ():
        if label not in suite.labels:
            known = ", ".join(suite.labels)
            raise InvalidSetting(f"The suite has no row “{label[:60]}”; its labels are {known}.")
    return labels or []


def _line(row: Row) -> str:
    what = f"{row['pool']}, {row['label']}, seed {row['seed']}"
    if row["kind"] == "refused":
        return f"{what}: not run. {row['reason']}"
    if row["kind"] == "training":
        return f"{what}: trained in {row['costs']['wall_s']:.1f} s"
    return (
        f"{what}: {row['accuracy']:.2f} ± {row['interval95']:.2f} %  ({row['pack']}, "
        f"{row['shot']}-shot, {row['head']} head, calibration {row['calibrate']}, "
        f"{row['batchnorm']})"
    )


def _command(options: argparse.Namespace, suite: Suite) -> str:
    """Return the command that recreates the files, without the path of the data."""
    parts = ["python", "-m", "metalearn", "bench", "--suite", _suite_argument(options.suite, suite)]
    if options.quick:
        parts.append("--quick")
    if options.data_root is not None:
        parts += ["--data-root", "DATA"]
    parts.append("--again")  # otherwise the page's own rows are reused
    return shlex.join(parts)


def _suite_argument(given: str, suite: Suite) -> str:
    """Return a shipped suite's name, or the file's name without this machine's folders."""
    return given if given == suite.name else f"{suite.name}.toml"
