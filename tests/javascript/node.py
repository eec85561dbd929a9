"""The browser's module in Node: whether there is one, and episodes of adaptation in it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "static" / "vendor" / "onnxruntime-web"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="THERE IS NO NODE HERE: the browser's module goes untested"
)


def run_node(*arguments: object) -> str:
    """What the program prints."""
    command = ["node", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def in_node(folder: Path, learner: Path, episodes: list[tuple[Any, Any, Any, Any]]) -> Iterator:
    """Of each (support, labels, query, settings): probabilities, adapted weights, heap in bytes.

    From the wasm runtime on one thread; pictures as tensors that are normalised already.
    """
    requests = []
    for number, (support, labels, query, settings) in enumerate(episodes):
        files = {name: folder / f"{number}.{name}" for name in ("support", "query")}
        support.numpy().tofile(files["support"])
        query.numpy().tofile(files["query"])
        named = {name: str(path) for name, path in files.items()}
        requests.append({**named, "labels": labels.tolist(), "settings": asdict(settings)})
    (folder / "episodes.json").write_text(json.dumps(requests))
    answer = folder / "answer.json"
    script = Path(__file__).parent / "adapt.mjs"
    run_node(script, RUNTIME, learner, folder / "episodes.json", answer)
    for number, one in enumerate(json.loads(answer.read_text())):
        weights = safetensors.numpy.load_file(f"{answer}.{number}.safetensors")
        yield np.array(one["probabilities"]), weights, one["heapBytes"]
