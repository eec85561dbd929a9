"""`python -m tests.run`: see to what the suite needs from the machine, then run it.

Chromium, Redis, PostgreSQL and an S3 server are used when they are there. In a container or on a
CI machine, where we are root and have apt, they are installed. Otherwise the tests that need
them are skipped, and a loud line says so.
"""

import argparse
import os
import shutil
import subprocess
import sys

from tests.tools import find_chromium, find_node, find_postgres, find_rclone, find_redis

WANTED = {
    "chromium": find_chromium,
    "redis-server": find_redis,
    "postgresql": find_postgres,
    "rclone": find_rclone,
    "nodejs": find_node,
}


def main() -> int:
    """Install what is missing where that is ours to do, say what stays missing, run pytest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", action="store_true", help="also the tests that take minutes")
    options, rest = parser.parse_known_args()
    missing = [name for name, find in WANTED.items() if find() is None]
    if missing and _may_install():
        _apt_install([name for name in missing if name != "rclone"])
    for name, find in WANTED.items():
        if find() is None:
            print(f"\n*** {name} is not here: THE TESTS THAT NEED IT ARE SKIPPED ***\n")
    subprocess.call([sys.executable, "manage.py", "browser_runtime"])
    marks = "not gpu" if options.slow else "not slow and not gpu"
    workers = min(4, os.cpu_count() or 1)
    command = [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "loadfile"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.call([*command, "-m", marks, *rest], env=environment)


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
