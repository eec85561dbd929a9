"""`python -m tests.run`: run the suite, then its server part once more on real servers.

First every test that takes at most two seconds, on SQLite, local files and the embedded broker;
then those that touch database, storage or queue on a real PostgreSQL, Redis and S3 store that are
started here. `--long` runs only the tests marked `long`, `--slow` everything.

Chromium, Redis, PostgreSQL, Node and an S3 server are used if they are installed, and RabbitMQ by
the tests that `--slow` adds. The tests of a missing program are skipped, and a loud line says so.
`--install` first installs what is missing with apt, as root; `make test-deployment` and CI do so.
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
ON_SERVERS = (
    "tests/marketplace",
    "tests/worker",
    "tests/contracts/test_every_page.py",
    "tests/contracts/test_web_and_worker_agree.py",
)
"""What touches database, storage or queue; who may what is Python's and is asked once."""
_NO_TESTS = 5


def main() -> int:
    """Run both parts of the suite; return the first exit status other than 0."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true", help="only tests that take seconds")
    parser.add_argument("--slow", action="store_true", help="every test, also those of minutes")
    parser.add_argument("--on-servers", action="store_true", help="the second pass alone")
    parser.add_argument("--install", action="store_true", help="install missing programs with apt")
    options, rest = parser.parse_known_args()
    wanted = {**WANTED, **(WANTED_BY_SLOW_TESTS if options.slow else {})}
    if options.install:
        _install_missing(wanted)
    _name_missing(wanted)
    marks = _marks(options)
    if not options.on_servers and (status := _pytest(rest, marks)):
        return status
    return 0 if options.long else _on_servers(rest, marks)


def _marks(options: argparse.Namespace) -> str:
    if options.slow:
        return "not gpu"
    return f"{'long' if options.long else 'not long'} and not slow and not gpu"


def _on_servers(rest: Sequence[str], marks: str) -> int:
    """The second pass; a part of the suite that was asked for by its path is not run again."""
    if not has_servers():
        print("\n*** NOTHING WAS TESTED AGAINST POSTGRESQL, REDIS AND S3 ***\n")
        return 0
    named = [word for word in rest if word.startswith("tests")]
    print("\n=== once more, on PostgreSQL, Redis and S3 ===\n", flush=True)
    with servers() as environment:
        # No server changes a shape.
        chosen = [*([] if named else ON_SERVERS), *rest, "-p", "no:tests.shape_checks"]
        environment["FREEHOLD_TEST_ON_SERVERS"] = "1"
        status = _pytest(chosen, marks, environment=environment)
    return 0 if named and status == _NO_TESTS else status


def _pytest(
    arguments: Sequence[str], marks: str, *, environment: dict[str, str] | None = None
) -> int:
    workers = min(4, os.cpu_count() or 1)
    # In the order of collection, which begins with the journeys: they wait, and the rest computes.
    spread = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *spread]
    return subprocess.call(
        [*command, "-m", marks, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
    )


def _install_missing(wanted: Mapping[str, Callable[[], Path | None]]) -> None:
    # rclone comes with the Python packages of the group `dev`.
    missing = [name for name, find in wanted.items() if find() is None and name != "rclone"]
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install(missing)
    else:
        print(f"*** --install needs root and apt; install {', '.join(missing)} yourself ***")


def _name_missing(wanted: Mapping[str, Callable[[], Path | None]]) -> None:
    for name, find in wanted.items():
        if find() is None:
            print(f"\n*** {name} IS NOT INSTALLED: THE TESTS THAT NEED IT ARE SKIPPED ***\n")


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
