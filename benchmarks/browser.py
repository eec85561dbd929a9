"""Adaptation in the browser's runtime compared with PyTorch, episode by episode, and its time.

`python -m benchmarks.browser --data PACK [--learner DIR] [--episodes 100] [--widths 32 64]` runs
onnxruntime-web's wasm build in Node on one thread, with the same files that a page loads. Without
`--learner`, networks are randomly initialised: times are meaningful, accuracy is not.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metalearn.datasets.packs import read_pack
from metalearn.meta_learner import MetaLearner
from metalearn.networks import NetworkSpec, build_network
from metalearn.numerics.episode import sample_episode
from metalearn.numerics.preparation import prepare_images

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "javascript" / "adapt.mjs"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--learner", type=Path)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--widths", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--architecture", default="conv4")
    parser.add_argument("--head", default="sgd", choices=("sgd", "prototypes"))
    parser.add_argument("--calibrate", default="icfil", choices=("none", "icfil"))
    parser.add_argument("--cold", action="store_true", help="the first episode without a warm-up")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if shutil.which("node") is None:
        sys.exit("There is no Node on this machine.")
    learners = [MetaLearner.load(options.learner)] if options.learner else fresh(options)
    for learner in learners:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(compared(learner, options, Path(folder))), flush=True)


def fresh(options: argparse.Namespace) -> list[MetaLearner]:
    made = []
    for width in options.widths:
        torch.manual_seed(0)
        network = build_network(NetworkSpec(options.architecture, width, 3, 32, 5))
        made.append(MetaLearner(network, mean=(0.5,) * 3, std=(0.25,) * 3))
    return made


def compared(learner: MetaLearner, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Measure agreement and times over 5-way 5-shot episodes with 75 queries."""
    changes = {"head": options.head, "calibrate": options.calibrate}
    settings = replace(learner.defaults, **changes)
    learner.save(folder / "learner", for_browsers=True)
    rng = torch.Generator().manual_seed(options.seed)
    classes = read_pack(options.data).by_class()
    there, truth, requests = [], [], []
    for number in range(options.episodes):
        episode = sample_episode(classes, n_way=5, k_shot=5, n_query=15, rng=rng)
        given = (episode.support_images, episode.support_labels)
        classifier = learner.adapt(*given, settings=settings)
        there.append(classifier.probabilities(episode.query_images).argmax(1).numpy())
        truth.append(episode.query_labels.numpy())
        files = {
            "support": written(learner, episode.support_images, folder / f"{number}.support"),
            "query": written(learner, episode.query_images, folder / f"{number}.query"),
        }
        requests.append({**files, "labels": given[1].tolist(), "settings": changes})
    answers = in_node(requests, folder, "cold" if options.cold else "warm")
    here = [np.array(answer["probabilities"]).argmax(1) for answer in answers]
    later = answers[1:] or answers
    return {
        "learner": learner.spec.as_dict(),
        "episodes": options.episodes,
        "agree": share(here, there),
        "accuracy_browser": share(here, truth),
        "accuracy_pytorch": share(there, truth),
        "first_cpu_s": round(answers[0]["cpuS"], 2),
        "later_cpu_s": round(float(np.median([answer["cpuS"] for answer in later])), 2),
        "heap_mb": round(max(answer["heapBytes"] for answer in answers) / 1e6),
        "later_wall_s": round(min(answer["wallS"] for answer in later), 2),
        "graph_bytes": sum(file.stat().st_size for file in (folder / "learner/browser").iterdir()),
    }


def written(learner: MetaLearner, images: torch.Tensor, path: Path) -> str:
    size, mean, std = learner.image_size, learner.mean, learner.std
    prepare_images(images, size=size, mean=mean, std=std).numpy().astype("float32").tofile(path)
    return str(path)


def share(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    same = [one == other for one, other in zip(some, others, strict=True)]
    return round(100 * float(np.mean(same)), 2)


def in_node(requests: list[dict[str, object]], folder: Path, warm: str) -> list[dict[str, Any]]:
    (folder / "episodes.json").write_text(json.dumps(requests))
    places = [ROOT / "static/vendor/onnxruntime-web", folder / "learner", folder / "episodes.json"]
    command = ["node", str(SCRIPT), *map(str, places), str(folder / "answer.json"), warm]
    subprocess.run(command, check=True)  # noqa: S603
    answers: list[dict[str, Any]] = json.loads((folder / "answer.json").read_text())
    return answers


if __name__ == "__main__":
    main()
