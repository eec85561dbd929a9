"""Wall-clock time to refuse a hostile file.

    python -m benchmarks.refusals

Every file of the tests' corpus goes through the sandboxed child that reads uploads, which may use
256 MB more than at its fork. Time includes fork and confinement. Prints a Markdown table with the
machine's load.
"""

import logging
import os
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.metalearn.checkpoint.hostile import Hostile, corpus
from worker.sandbox.client import Sandbox
from worker.sandbox.validation import LIMITS, DeclaredUpload

MEMORY_BYTES = 256_000_000
AIM_S = 2.0
DECLARED = DeclaredUpload(32, (0.5,) * 3, (0.5,) * 3, ("a", "b", "c"), channels=3)


@dataclass(frozen=True)
class Refusal:
    name: str
    wall_s: float
    cpu_s: float
    as_it_should: bool


def main() -> None:
    logging.disable()
    sandbox = Sandbox(preload="worker.sandbox.conversion:load")
    with tempfile.TemporaryDirectory(prefix="freehold-refusals-") as name:
        folder, canary = Path(name), Path(name) / "canary"
        sandbox.start()
        before = os.getloadavg()[0]
        found = [_refuse(sandbox, case, folder) for case in corpus(canary)]
        ran = canary.exists()
    sandbox.close()
    _print(found, load=(before, os.getloadavg()[0]), ran=ran)


def _refuse(sandbox: Sandbox, case: Hostile, folder: Path) -> Refusal:
    source, target = folder / "upload", folder / "target"
    source.write_bytes(case.data)
    began = time.perf_counter()
    outcome = sandbox.call(
        "worker.sandbox.conversion:convert",
        {"source": str(source), "target": str(target), "declared": asdict(DECLARED)},
        replace(LIMITS, memory_bytes=MEMORY_BYTES),
        reads=[source],
        writes=[folder],
    )
    wall_s = time.perf_counter() - began
    told = outcome.kind == "answered" and case.says in outcome.answer.get("reason", "")
    name = f"{case.group}: {case.name}"
    return Refusal(name, wall_s, outcome.cpu_s, told and not target.exists())


def _print(found: list[Refusal], *, load: tuple[float, float], ran: bool) -> None:
    wall = sorted(refusal.wall_s for refusal in found)
    slow = sum(refusal.wall_s >= AIM_S for refusal in found)
    print(f"| {len(found)} hostile files | |\n|---|---:|")
    print(f"| refused with the right sentence | {sum(one.as_it_should for one in found)} |")
    print(f"| executed | {'some' if ran else 'none'} |")
    print(f"| median | {statistics.median(wall):.2f} s |")
    print(f"| 95 % within | {wall[int(0.95 * len(wall))]:.2f} s |")
    print(f"| slowest | {wall[-1]:.2f} s |")
    print(f"| {AIM_S:g} s or longer | {slow} |")
    print(f"| most time of a processor | {max(one.cpu_s for one in found):.2f} s |")
    print(f"| load average before, after | {load[0]:.1f}, {load[1]:.1f} |")
    print("\nThe slowest, and how much of it was the processor's:\n")
    for one in sorted(found, key=lambda one: -one.wall_s)[:5]:
        print(f"* {one.name}: {one.wall_s:.2f} s, {one.cpu_s:.2f} s")
    print(
        "".join(
            f"\nNOT REFUSED AS IT SHOULD BE: {one.name}" for one in found if not one.as_it_should
        )
    )


if __name__ == "__main__":
    main()
