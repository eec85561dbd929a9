"""The `train` command: run an algorithm on a pool and write the meta-learner."""

import argparse
from pathlib import Path
from typing import Any

from contract.settings import PRESET
from metalearn.algorithm import Algorithm, train
from metalearn.checkpoint import read_pool
from metalearn.cli.common import Commands, add_device, add_seed, find_device, progress, say, whole
from metalearn.cli.dry_run import dry_run_lines
from metalearn.errors import InvalidSetting
from metalearn.planning.fitting import Allowance, check_memory
from metalearn.planning.forecast import Plan
from metalearn.pool.network_cache import POOL_MB, NetworkCache
from metalearn.registry import algorithm_named
from metalearn.settings import build, presets_of


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("train", help="make a meta-learner from a pool of models")
    parser.add_argument("algorithm", metavar="ALGORITHM", help="see the command `algorithms`")
    parser.add_argument("--pool", type=Path, required=True, metavar="POOL_DIR")
    parser.add_argument(
        "--out", type=Path, metavar="LEARNER_DIR", help="needed unless --dry-run is given"
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="a set of values that the settings start from; see the command `algorithms`",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the algorithm; may be given several times",
    )
    parser.add_argument(
        "--models",
        type=whole(1, 1_000_000),
        metavar="N",
        help="only the first N models of the pool",
    )
    parser.add_argument(
        "--pool-mb",
        type=whole(0, 10_000_000),
        default=POOL_MB,
        metavar="MB",
        help="memory for models; the others are kept in a temporary file and loaded when needed "
        f"(default: {POOL_MB})",
    )
    parser.add_argument(
        "--memory-mb",
        type=whole(0, 10_000_000),
        default=0,
        metavar="MB",
        help="refuse a run that needs more memory, and suggest settings that fit (default: 0, "
        "no limit)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print what the run would need, and write nothing",
    )
    parser.add_argument(
        "--pictures-folder",
        type=Path,
        metavar="DIR",
        help="your own unlabelled JPEG, PNG or WebP pictures, which chorus also learns from; they "
        "are read in place",
    )
    add_seed(parser)
    add_device(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train to the end, then write the directory atomically; an interrupted run writes nothing."""
    kind = algorithm_named(options.algorithm)
    settings = _settings(options, kind)
    _check_out(options)
    device = find_device(options.device)
    config: Any = build(kind.Config, settings)
    cache = NetworkCache(options.pool_mb * 2**20)
    pool = read_pool(options.pool, limit=options.models, cache=cache)
    plan = Plan.of(kind, pool, config, device)
    check_memory(plan, Allowance(options.memory_mb, "--memory-mb", "--pool-mb"))
    forecast = plan.forecast()
    algorithm = kind(pool, config, device=device, seed=options.seed)
    notices = [*_own_pictures(algorithm, options.pictures_folder), *algorithm.notices()]
    if options.dry_run:
        for line in dry_run_lines(algorithm, pool, forecast, notices):
            print(line)
        return
    say(forecast.line(snapshots=False))
    for notice in notices:
        say(notice)
    _train(algorithm)
    learner = algorithm.meta_learner()
    learner.made_by = {**learner.made_by, "name": f"{algorithm.run_title} on {options.pool.name}"}
    learner.save(options.out, for_browsers=True)
    print(f"{algorithm.run_title}: the meta-learner is in {options.out}.")


def _settings(options: argparse.Namespace, kind: type[Algorithm]) -> dict[str, object]:
    settings = parse_settings(options.set)
    if options.preset is not None:
        if not presets_of(kind.Config):
            raise InvalidSetting(f"{kind.title} has no presets; leave out --preset.")
        settings[PRESET] = options.preset
    if options.pictures_folder and options.algorithm == "chorus":
        settings.setdefault("own_pictures", True)
    return settings


def parse_settings(pairs: list[str]) -> dict[str, object]:
    """Parse `key=value` texts; the values are checked by the algorithm's Config."""
    settings: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise InvalidSetting(f"“{pair}” is not a setting; write --set name=value.")
        settings[key.strip()] = value.strip()
    return settings


def _own_pictures(algorithm: Algorithm, folder: Path | None) -> list[str]:
    """Pass the folder to the algorithm; return notices about its pictures."""
    if folder is not None:
        return algorithm.take_pictures(folder)
    if algorithm.wants_pictures:
        raise InvalidSetting(
            "own_pictures needs a folder; give one with --pictures-folder, or set it to false."
        )
    return []


def _check_out(options: argparse.Namespace) -> None:
    """Check the output folder before training, not after hours of it."""
    out = options.out
    if options.dry_run:
        return
    if out is None:
        raise InvalidSetting(
            "The meta-learner needs a folder; give one with --out, or --dry-run to see what the "
            "run would need."
        )
    if out.exists() and not (out / "config.json").is_file():
        raise InvalidSetting(
            f"“{out}” exists and is not a meta-learner; give a new folder with --out."
        )


def _train(algorithm: Algorithm) -> None:
    stage = ""
    for report in progress(train(algorithm), algorithm.total_steps, algorithm.run_title):
        if report.stage != stage:
            stage = report.stage
            say(f"step {report.step}: {stage}")
        if report.step == report.total_steps:
            metrics = ", ".join(f"{name} {value:.4g}" for name, value in report.metrics.items())
            say(f"step {report.step}: {metrics or 'done'}")
