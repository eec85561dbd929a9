"""Cost of recovering images from models: with a meta-generator, a fresh one each, or pixels.

    python -m benchmarks.recovery [--pool DIR] [--data PACK] [--teachers 12] [--iterations 200 1000]
                                  [--device auto]

Each method recovers one task of 5 classes with 20 images each from every teacher on the same
machine. The meta-generator also recovers more tasks, to see how many of its images match the
others' few. The same learner is trained for equally many updates on each set of images. Prints
Markdown: costs and accuracy, a profile of the meta-generator's recovery, its share of peak
performance, and whether several teachers in one call are faster. `--device` as for `python -m
metalearn bench`. On a GPU, seconds are wall-clock time, and the measurements that only concern a
CPU (profile, share of the peak, several teachers in one call) are left out.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.recovery_accuracy import Judge
from benchmarks.recovery_batched import batched_table
from benchmarks.recovery_methods import Method, Recovery, device_of, methods
from benchmarks.recovery_profile import profile_table
from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.bench.machine import machine
from metalearn.checkpoint import read_pool
from metalearn.cli.common import add_device, find_device
from metalearn.errors import InvalidSetting
from metalearn.numerics.allocator import keep_freed_memory
from metalearn.pool import Pool

DEMO = Path(__file__).resolve().parent.parent / "marketplace" / "demo" / "pool"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pool", type=Path, default=DEMO)
    parser.add_argument("--data", type=Path, help="a data pack of classes no teacher knows")
    parser.add_argument("--teachers", type=int, default=12, help="one task is recovered from each")
    parser.add_argument("--warm-up", type=int, default=20, help="steps of the meta-generator")
    parser.add_argument("--tasks", type=int, nargs="*", default=[4, 16], help="more of FREE+'s")
    parser.add_argument("--fresh-steps", type=int, default=200, help="0 leaves them out")
    parser.add_argument("--iterations", type=int, nargs="*", default=[200, 1000], help="of pixels")
    parser.add_argument("--updates", type=int, default=160, help="of the learner, on each set")
    parser.add_argument("--episodes", type=int, default=600)
    parser.add_argument("--threads", type=int, default=1)
    add_device(parser)
    options = parser.parse_args(arguments)
    try:
        device = find_device(options.device)
    except InvalidSetting as problem:
        parser.error(str(problem))
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    pool = read_pool(options.pool, limit=options.teachers).to(device)
    judge = Judge(pool, options.data, options.updates, options.episodes)
    print(_conditions(pool, options))
    print("\n".join(_HEAD))
    rows: list[Recovery] = []
    for method in methods(pool, options):
        rows.append(method.run())
        print(_row(method, rows, judge), flush=True)
    if device.type == "cpu":
        print("\n".join(["", *profile_table(pool), "", *batched_table()]))


_HEAD = (
    "",
    "| recovered by | seconds | of one task | against the first row | generator passes "
    "| teacher passes | images | teachers right | 1-shot | 5-shot |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
)


def _conditions(pool: Pool, options: argparse.Namespace) -> str:
    config = FreePlusConfig()
    device = device_of(pool)
    clock = "the processor's" if device.type == "cpu" else "the clock's"
    return (
        f"{len(pool)} teachers of {options.pool.name}, {config.n_way} classes of "
        f"{config.images_per_class} images from each; {machine(device)['device']}, "
        f"{torch.get_num_threads()} thread(s), torch {torch.__version__}. Seconds are {clock}; "
        "a pass is a batch of 100 images forward and backward. Accuracy after "
        f"{options.updates} updates of FREE+'s learner on these images alone."
    )


def _row(method: Method, rows: list[Recovery], judge: Judge) -> str:
    found = rows[-1]
    n = len(found.tasks)
    cells = [
        method.title,
        f"{found.seconds:.1f}",
        f"{found.seconds / n:.2f}",
        f"{found.seconds / rows[0].seconds:.1f} ×",
        f"{found.costs.generator_calls:,}",
        f"{found.costs.teacher_calls:,}",
        f"{sum(len(task.images) for task in found.tasks):,}",
        f"{100 * sum(task.teacher_accuracy for task in found.tasks) / n:.0f} %",
        *judge.accuracies(found.tasks),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
