"""The browser's module in Node, against what Python says; skipped where there is no Node."""

import base64
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from metalearn.datasets import decode_image
from metalearn.datasets.orientation import read_orientation
from metalearn.learning.inner_loop import balanced_targets
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.meta_learner.support import draw_batch
from metalearn.networks import NetworkSpec, build_network
from metalearn.numerics.ridge import ridge_head
from tests.javascript.node import in_node, needs_node
from tests.turned import turned_files

HERE = Path(__file__).parent
pytestmark = needs_node


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def random_numbers() -> Iterator[dict[str, int | list[Any]]]:
    for seed in (0, 7):
        yield {
            "seed": seed,
            "permutation": torch.randperm(
                700, generator=torch.Generator().manual_seed(seed)
            ).tolist(),
            "normal": torch.randn(3200, generator=torch.Generator().manual_seed(seed)).tolist(),
        }


def batches() -> Iterator[dict[str, int | list[Any]]]:
    for labels, size in (([0, 1, 2] * 2, 10), ([0] * 50 + [1] * 3 + [2] * 40, 20)):
        rng = torch.Generator().manual_seed(0)
        drawn = [draw_batch(torch.tensor(labels), size, rng).tolist() for _ in range(3)]
        yield {"labels": labels, "size": size, "seed": 0, "batches": drawn}


def targets() -> Iterator[dict[str, int | list[Any]]]:
    for labels in ([0, 1, 2], [0, 0, 0, 1, 2, 2]):
        rows = balanced_targets(torch.tensor(labels), 3).flatten().tolist()
        yield {"labels": labels, "nWay": 3, "targets": rows}


def ridges() -> Iterator[dict[str, int | list[Any]]]:
    """Features, targets and temperature; more pictures than features, and fewer."""
    for labels, width in (([0, 1, 2], 8), ([0, 0, 0, 0, 0, 1, 1, 2], 5)):
        features = torch.randn(len(labels), width, generator=torch.Generator().manual_seed(4))
        targets = balanced_targets(torch.tensor(labels), 3)
        head = ridge_head(features.double(), targets.double(), temperature=0.2)
        rows = {"weight": head.weight.flatten().tolist(), "bias": head.bias.tolist()}
        yield {"labels": labels, "nWay": 3, "features": features.tolist(), **rows}


def mixtures() -> Iterator[dict[str, list[Any]]]:
    """Moments in two parts, and what they make of a layer's statistics."""
    rng = torch.Generator().manual_seed(2)
    values = [3 + torch.randn(n, 4, generator=rng, dtype=torch.float64) for n in (6, 2)]
    parts = [[len(one), one.mean(0).tolist(), one.var(0, correction=0).tolist()] for one in values]
    whole = torch.cat(values)
    yield {
        "parts": parts,
        "mean": (0.5 + whole.mean(0) / 2).tolist(),
        "variance": (0.5 + whole.var(0, correction=0) / 2).tolist(),
    }


def pictures() -> Iterator[dict[str, int | str]]:
    rng = np.random.default_rng(0)
    sizes = [(40, 30), (301, 200), (33, 117), (64, 64), (33, 33), (20, 31), (211, 340)]
    cases = [(*size, mode, 1) for size in sizes for mode in ("RGB", "RGBA", "L")]
    cases += [(97, 70, "RGB", turn) for turn in range(2, 9)]
    for number, (width, height, mode, orientation) in enumerate(cases):
        shape = (height, width) if mode == "L" else (height, width, len(mode))
        image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
        buffer, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = orientation
        image.save(buffer, "PNG", exif=exif)
        channels, size = (1, 28) if number % 4 == 1 else (3, 32)
        square = decode_image(buffer.getvalue(), channels=channels, image_size=size)
        yield {
            "width": width,
            "height": height,
            "size": size,
            "channels": channels,
            "orientation": orientation,
            "rgba": text(image.convert("RGBA").tobytes()),
            "square": text(square.numpy().tobytes()),
        }


def orientations() -> Iterator[dict[str, int | str]]:
    """Files that are turned in every way, and the same files damaged."""
    rng = np.random.default_rng(0)
    for whole in turned_files().values():
        damaged = [whole[:length] for length in range(0, len(whole), 7)]
        for _ in range(40):
            one = bytearray(whole)
            for where in rng.integers(0, len(one), 3):
                one[where] = rng.integers(0, 256)
            damaged.append(bytes(one))
        for file in (whole, *damaged):
            yield {"file": text(file), "orientation": read_orientation(file)}


def test_the_module_agrees_with_python(tmp_path: Path) -> None:
    expected = {
        "random": list(random_numbers()),
        "batches": list(batches()),
        "targets": list(targets()),
        "ridges": list(ridges()),
        "mixtures": list(mixtures()),
        "pictures": list(pictures()),
        "orientations": list(orientations()),
    }
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    environment = {**os.environ, "FREEHOLD_EXPECTED": str(tmp_path / "expected.json")}
    command = ["node", "--test", str(HERE / "device.test.mjs")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.long
def test_in_wasm_the_adapted_weights_are_pytorchs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network(NetworkSpec("conv4", 16, 3, 32, 5))
    learner = MetaLearner(network, mean=(0.0,) * 3, std=(1.0,) * 3)
    learner.save(tmp_path / "learner", for_browsers=True)
    rng = torch.Generator().manual_seed(5)
    rough = torch.randn(40, 3, 4, 4, generator=rng)
    images = torch.nn.functional.interpolate(rough, (32, 32), mode="bicubic").sigmoid()
    labels = torch.arange(5).repeat_interleave(3)
    both = [AdaptationSettings(head=head, calibrate="icfil") for head in ("sgd", "prototypes")]
    both += [AdaptationSettings(head=h, calibrate="statistics") for h in ("sgd", "prototypes")]
    both += [AdaptationSettings(head="ridge", calibrate=c) for c in ("none", "statistics", "icfil")]
    episodes = [(images[:15], labels, images[15:], settings) for settings in both]
    answers = in_node(tmp_path, tmp_path / "learner", episodes)
    for settings, (found, weights, _) in zip(both, answers, strict=True):
        expected = learner.adapt(images[:15], labels, settings=settings)
        for name, value in expected.weights.items():
            if name in weights:
                assert np.abs(weights[name] - value.numpy()).max() < 1e-3, name
        there = expected.probabilities(images[15:]).numpy()
        assert np.abs(found - there).max() < 5e-3
        assert (found.argmax(1) == there.argmax(1)).mean() >= 0.96
