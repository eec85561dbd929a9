"""Time of FREE+'s outer step, split into recovery, alignment and replay.

`python -m benchmarks.free_step` prints a table: the default settings and the paper's generator, in
fp32 and bf16 (both with channels-last memory), on the CPU and on a GPU if there is one. Teachers
are randomly initialised, as time does not depend on their weights.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import torch

from metalearn.algorithms.free_plus import FreePlus, FreePlusConfig
from metalearn.networks import NetworkSpec, build_network
from metalearn.numerics.precision import uses_bf16
from metalearn.pool import Pool, Teacher
from metalearn.settings import build

T = TypeVar("T")
N_TEACHERS, N_CLASSES = 12, 5
GENERATORS: dict[str, dict[str, object]] = {
    "default generator": {},
    "paper's generator (width 128)": {"generator_width": 128},
}
FORMATS = ("fp32", "bf16")
PARTS = ("recovery", "alignment", "replay")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Seconds of FREE+'s outer step.")
    parser.add_argument("--repeat", type=int, default=3, help="steps of each kind")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print("\n".join(table(options.repeat)))


def table(repeat: int) -> list[str]:
    """Return a Markdown table: median milliseconds of each part of a step."""
    devices = [torch.device("cpu")] + [torch.device("cuda")] * torch.cuda.is_available()
    config = FreePlusConfig()
    lines = [
        f"{config.teachers_per_step} teachers (Conv4-32) of {config.images_per_class} images for "
        f"each of {config.n_way} classes, {config.generator_steps} generator steps, "
        f"{torch.get_num_threads()} thread(s), torch {torch.__version__}, median of {repeat} "
        "steps; milliseconds of processor time on the CPU, of the clock on a GPU",
        "",
        f"| device | generator | format | {' | '.join(PARTS)} |",
        "|---|---|---|---:|---:|---:|",
    ]
    for device in devices:
        for title, settings in GENERATORS.items():
            # The paper's generator takes minutes per step on a CPU, so measure once.
            times = 1 if settings and device.type == "cpu" else repeat
            for name in FORMATS:
                cells = _cells(device, {**settings, "precision": name}, times)
                lines.append(f"| {device.type} | {title} | {name} | {' | '.join(cells)} |")
    return lines


def _cells(device: torch.device, settings: dict[str, object], repeat: int) -> list[str]:
    if settings["precision"] == "bf16" and not uses_bf16("auto", device):
        return ["not in this processor", "", ""]
    return [f"{1000 * seconds:.0f}" for seconds in _measure(device, settings, repeat)]


def _measure(device: torch.device, settings: dict[str, object], repeat: int) -> list[float]:
    run = FreePlus(_pool(), build(FreePlusConfig, settings), device=device, seed=0)
    seconds: list[list[float]] = []
    for _ in range(repeat + 1):
        recovered, recovery = _timed(device, lambda: run.recover(adversarial=True)[0])
        for task in recovered:
            run.memory.add(task.images, task.labels, task.task.class_names)
        _, alignment = _timed(device, partial(run.align, recovered))
        _, replay = _timed(device, run.replay)
        seconds.append([recovery, alignment, replay])
    return [statistics.median(column) for column in zip(*seconds[1:], strict=True)]


def _timed(device: torch.device, work: Callable[[], T]) -> tuple[T, float]:
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    start = clock()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, clock() - start


def _pool() -> Pool:
    """Return teachers of overlapping classes, which fills the memory quickly."""
    teachers = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        for index in range(N_TEACHERS):
            network = build_network(NetworkSpec("conv4", 32, 3, 32, N_CLASSES))
            names = tuple(f"class {(index + i) % N_TEACHERS}" for i in range(N_CLASSES))
            teachers.append(Teacher(f"{index}", network, (0.5,) * 3, (0.25,) * 3, names))
    return Pool(tuple(teachers))


if __name__ == "__main__":
    main()
