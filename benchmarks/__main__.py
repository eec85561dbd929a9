"""`python -m benchmarks`: measurements of speed and memory, written to docs/benchmarks/speed.md.

These are benchmarks, not timed tests: they assert nothing and need an otherwise idle machine.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "benchmarks" / "speed.md"
PARTS = {
    "FREE+'s outer step": ["benchmarks.free_step"],
    "An adaptation": ["benchmarks.adaptation"],
    "Dashboard and adaptation through a whole instance": ["benchmarks.instance"],
    "Catalogue pages and lists": ["benchmarks.catalogue"],
    "Upload": ["benchmarks.upload"],
    "Recovery of images": [
        "benchmarks.recovery",
        "--teachers",
        "6",
        "--tasks",
        # PURER uses 60,000, which takes hours. 500 next to 200 shows that stopping early does
        # not favour the meta-generator: more gains nothing (docs/benchmarks/recovery.md).
        "--iterations",
        "200",
        "500",
    ],
}


def main() -> None:
    sections = [_header()]
    for title, module in PARTS.items():
        print(f"… {title}", flush=True)
        sections.append(f"## {title}\n\n`python -m {' '.join(module)}`\n\n{_run(module)}\n")
    text = "\n".join(sections)
    TARGET.write_text(text)
    print(text)


def _run(module: list[str]) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *module]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def _header() -> str:
    return (
        "# Speed and memory\n\n"
        f"Written by `make bench` on {time.strftime('%Y-%m-%d')}: {_processor()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}.\n"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    lines = info.read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
