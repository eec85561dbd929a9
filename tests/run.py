"""`python -m tests.run`: see to what the suite needs from the machine, then run it, twice.

First everything, on SQLite, local files and the embedded broker; then what touches database,
storage or queue once more, on a real PostgreSQL, Redis and S3 store that are started here.

Chromium, Redis, PostgreSQL and an S3 server are used when they are there, and RabbitMQ by the
tests that `--slow` adds. In a container or on a CI machine, where we are root and have apt, they
are installed. Otherwise the tests that need them are skipped, and a loud line says so.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.tools import (
    find_chromium,
    find_node,
    find_postgres,
    find_rabbitmq,
    find_rclone,
    find_redis,
    has_servers,
    servers,
)

WANTED = {
    "chromium": find_chromium,
    "redis-server": find_redis,
    "postgresql": find_postgres,
    "rclone": find_rclone,
    "nodejs": find_node,
}
WANTED_BY_SLOW_TESTS = {"rabbitmq-server": find_rabbitmq}
ON_SERVERS = ("tests/marketplace", "tests/worker", "tests/contracts")
_NO_TESTS = 5


def main() -> int:
    """Install what is missing where that is ours to do, say what stays missing, run pytest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", action="store_true", help="also the tests that take minutes")
    parser.add_argument("--on-servers", action="store_true", help="the second pass alone")
    options, rest = parser.parse_known_args()
    _see_to_programs({**WANTED, **(WANTED_BY_SLOW_TESTS if options.slow else {})})
    if not options.on_servers and (status := _pytest(rest, slow=options.slow)):
        return status
    return _on_servers(rest, slow=options.slow)


def _on_servers(rest: Sequence[str], *, slow: bool) -> int:
    """The second pass; a part of the suite that was asked for by its path is not run again."""
    if not has_servers():
        print("\n*** NOTHING WAS TESTED AGAINST POSTGRESQL, REDIS AND S3 ***\n")
        return 0
    named = [word for word in rest if word.startswith("tests")]
    print("\n=== once more, on PostgreSQL, Redis and S3 ===\n", flush=True)
    with servers() as environment:
        chosen = [*rest] if named else [*ON_SERVERS, *rest]
        environment["FREEHOLD_TEST_ON_SERVERS"] = "1"
        status = _pytest(chosen, slow=slow, environment=environment)
    return 0 if named and status == _NO_TESTS else status


def _pytest(
    arguments: Sequence[str], *, slow: bool, environment: dict[str, str] | None = None
) -> int:
    marks = "not gpu" if slow else "not slow and not gpu"
    workers = min(4, os.cpu_count() or 1)
    # In the order of collection, which begins with the journeys: they wait, and the rest computes.
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *spread]
    return subprocess.call(
        [*command, "-m", marks, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
    )


def _see_to_programs(wanted: Mapping[str, Callable[[], Path | None]]) -> None:
    missing = [name for name, find in wanted.items() if find() is None]
    if missing and _may_install():
        _apt_install([name for name in missing if name != "rclone"])
    for name, find in wanted.items():
        if find() is None:
            print(f"\n*** {name} is not here: THE TESTS THAT NEED IT ARE SKIPPED ***\n")


def _may_install() -> bool:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return is_root and shutil.which("apt-get") is not None


def _apt_install(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-q"], install):
        print("+", " ".join(command), flush=True)
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode:
            print(result.stdout[-2000:], result.stderr[-2000:])
            return


if __name__ == "__main__":
    sys.exit(main())
