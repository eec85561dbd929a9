"""Time of an adaptation on one core: 5-way 5-shot, 75 queries, Conv4-32 at 32 pixels.

`python -m benchmarks.adaptation` prints a table. The time is that of a whole request in a warm
worker: base64 and PNG decoding of 100 images, adaptation, prediction. Processor time is what an
idle machine would need.
"""

import argparse
import base64
import io
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from metalearn.meta_learner import MetaLearner
from metalearn.networks import NetworkSpec, build_network
from worker.adaptation import run_adaptation

N_WAY, K_SHOT, N_QUERY = 5, 5, 75
CASES: dict[str, dict[str, object]] = {
    "prototypes": {},
    "prototypes, ICFIL": {"calibrate": "icfil"},
    "10 SGD steps": {"head": "sgd"},
    "10 SGD steps, ICFIL": {"head": "sgd", "calibrate": "icfil"},
}
STAGES = ("decode_s", "adapt_s", "predict_s")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Seconds an adaptation takes.")
    parser.add_argument("--repeat", type=int, default=20, help="requests of each kind")
    parser.add_argument("--architecture", default="conv4")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--size", type=int, default=32, help="image size in pixels")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    spec = NetworkSpec(options.architecture, options.width, 3, options.size, N_WAY)
    print("\n".join(table(spec, options.repeat)))


def table(spec: NetworkSpec, repeat: int) -> list[str]:
    """Return a Markdown table: medians of each stage, median, 95th percentile, processor time."""
    request = make_request(spec.image_size)
    lines = [
        f"{spec.architecture}-{spec.width}, {spec.image_size} x {spec.image_size}, {N_WAY}-way "
        f"{K_SHOT}-shot, {N_QUERY} queries, {torch.get_num_threads()} thread(s), "
        f"torch {torch.__version__}, {repeat} requests of each kind; milliseconds",
        "",
        "| adaptation | decode | adapt | predict | in all, median | 95 % | processor |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "learner"
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = build_network(spec)
        MetaLearner(network, mean=(0.5,) * 3, std=(0.25,) * 3).save(path)
        for name, settings in CASES.items():
            lines.append(_row(name, path, {**request, "settings": settings}, repeat))
    return lines


def _row(name: str, path: Path, payload: dict[str, object], repeat: int) -> str:
    device = torch.device("cpu")
    run_adaptation(path, payload, device)  # warm-up
    stages: dict[str, list[float]] = {stage: [] for stage in STAGES}
    totals, processor = [], []
    for _ in range(repeat):
        start, start_cpu = time.perf_counter(), time.process_time()
        timings = run_adaptation(path, payload, device)["timings"]
        totals.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_cpu)
        for stage in STAGES:
            stages[stage].append(timings[stage])
    cells = [f"{1000 * statistics.median(stages[stage]):.0f}" for stage in STAGES]
    worst = sorted(totals)[max(0, round(0.95 * repeat) - 1)]
    return (
        f"| {name} | {' | '.join(cells)} | {1000 * statistics.median(totals):.0f} "
        f"| {1000 * worst:.0f} | {1000 * statistics.median(processor):.0f} |"
    )


def make_request(size: int) -> dict[str, object]:
    rng = torch.Generator().manual_seed(0)
    pictures = [_png(size, rng) for _ in range(N_WAY * K_SHOT + N_QUERY)]
    support = [
        {"label": f"class {index % N_WAY}", "image": picture}
        for index, picture in enumerate(pictures[: N_WAY * K_SHOT])
    ]
    return {"support": support, "query": pictures[N_WAY * K_SHOT :]}


def _png(size: int, rng: torch.Generator) -> str:
    pixels = torch.randint(0, 256, (size, size, 3), generator=rng, dtype=torch.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    main()
