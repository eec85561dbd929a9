"""Profile of a recovery, and its share of the machine's peak performance."""

import time
from collections import Counter
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.recovery_methods import by_generator, new_generator
from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.numerics.precision import uses_bf16
from metalearn.pool import Pool
from metalearn.recovery.inversion import TeacherTask

STEPS = 5
GROUPS = {
    "convolutions": ("convolution",),
    "batch-norm": ("batch_norm",),
    "pooling and enlarging": ("max_pool", "upsample"),
    "linear layers": ("mm", "addmm"),
    "optimiser": ("adam", "Adam"),
    "copies, casts, zeros": ("copy_", "fill_", "zero_", "contiguous", "clone", "cat"),
}
"""Kinds of operations by substrings of their names; anything else is element by element."""


def profile_table(pool: Pool) -> list[str]:
    one = by_generator(lambda: new_generator(pool), STEPS)

    def recovered() -> None:
        one(TeacherTask.sample(pool.teachers[0], 5, rng), rng)

    rng = torch.Generator().manual_seed(0)
    recovered()
    lines = ["| where the time of a 5-step recovery goes | share |", "|---|---:|"]
    shares = _shares(recovered)
    lines += [f"| {kind} | {100 * share:.0f} % |" for kind, share in shares]
    total, convolved = _operations(pool)
    seconds = _seconds(recovered)
    rate = total / seconds / 1e9
    # Their own time, taken as a share of a run without the profiler's overhead.
    own_rate = convolved / (dict(shares)["convolutions"] * seconds) / 1e9
    peaks = {name: _convolution_rate(name) for name in _formats()}
    best = max(peaks.values())
    measured = ", ".join(f"{name} {peak:,.0f}" for name, peak in peaks.items())
    return [
        *lines,
        "",
        f"The whole recovery: {rate:.0f} GFLOP/s, {100 * rate / best:.1f} % of the peak "
        "(operations of convolutions and linear layers over all of the time). Its convolutions "
        f"alone: {own_rate:.0f} GFLOP/s, {100 * own_rate / best:.0f} % of the peak (their "
        "operations over the time that they take themselves). The peak is what a large convolution "
        f"reaches here (256 to 256 channels, 3 x 3, 64 maps of 32 x 32; GFLOP/s: {measured}).",
    ]


@torch.no_grad()
def _operations(pool: Pool) -> tuple[int, int]:
    """Return floating-point operations of one recovery: in total, and of convolutions alone.

    Backward costs as much as forward for the teacher, whose weights need no gradient, and twice as
    much for the generator.
    """
    config = FreePlusConfig()
    labels = torch.arange(config.n_way).repeat(config.images_per_class)
    with FlopCounterMode(display=False) as of_generator:
        images = new_generator(pool)(torch.randn(len(labels), config.latent_dim), labels)
    with FlopCounterMode(display=False) as of_teacher:
        pool.teachers[0].logits(images)
    total = 3 * of_generator.get_total_flops() + 2 * of_teacher.get_total_flops()
    convolved = 3 * _convolved(of_generator) + 2 * _convolved(of_teacher)
    return STEPS * total, STEPS * convolved


def _convolved(counter: FlopCounterMode) -> int:
    counts = counter.get_flop_counts()["Global"]
    return sum(n for operation, n in counts.items() if "convolution" in str(operation))


def _shares(work: Callable[[], None]) -> list[tuple[str, float]]:
    """Return the share of the operations' own time by kind, largest first."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(5):
            work()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        kind = next(
            (kind for kind, parts in GROUPS.items() if any(part in event.key for part in parts)),
            "element by element",
        )
        spent[kind] += event.self_cpu_time_total
    total = sum(spent.values())
    return [(kind, micros / total) for kind, micros in spent.most_common()]


def _formats() -> list[str]:
    return ["bf16", "fp32"] if uses_bf16("auto", torch.device("cpu")) else ["fp32"]


def _convolution_rate(name: str) -> float:
    dtype = torch.bfloat16 if name == "bf16" else torch.float32
    images = torch.rand(64, 256, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.rand(256, 256, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)

    def work() -> None:
        F.conv2d(images, weight, padding=1)

    work()
    return 2 * 64 * 32 * 32 * 256 * 256 * 9 / _seconds(work) / 1e9


def _seconds(work: Callable[[], None], times: int = 3) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)
