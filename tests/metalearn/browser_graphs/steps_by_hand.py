"""Takes the steps of an adaptation through the graphs, as the browser does, in Python."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metalearn.browser_graphs import Graph
from metalearn.learning.calibration import NOISE_GRID
from metalearn.learning.inner_loop import balanced_targets
from metalearn.learning.support_statistics import (
    chunks_for_statistics,
    share_of,
    with_mirror_images,
)
from metalearn.meta_learner import AdaptationSettings
from metalearn.meta_learner.support import draw_batch, images_at_once
from metalearn.numerics.ridge import ridge_head

Run = Callable[[str, dict[str, np.ndarray]], dict[str, np.ndarray]]


class GraphAdaptation:
    """The stages of `meta_learner/adaptation.py`, every number from a graph."""

    def __init__(
        self, graphs: list[Graph], network: Any, settings: AdaptationSettings, run: Run
    ) -> None:
        self.graphs = {graph.step.name: graph for graph in graphs}
        self.network, self.settings, self.run_graph = network, settings, run
        dtype = next(network.parameters()).numpy().dtype
        self.dtype = dtype
        self.weights = {n: p.numpy() for n, p in network.named_parameters()}
        self.statistics = {
            n: b.numpy() for n, b in network.named_buffers() if b.is_floating_point()
        }

    def run(self, name: str, **given: Any) -> dict[str, np.ndarray]:
        known = {**self.statistics, **self.weights, **given}
        inputs = {n: np.asarray(known[n], self.dtype) for n in self.graphs[name].inputs}
        return self.run_graph(name, inputs)

    def take(self, outputs: dict[str, np.ndarray]) -> None:
        self.weights |= {n[4:]: v for n, v in outputs.items() if n.startswith("new.")}

    def adapt(self, images: np.ndarray, labels: torch.Tensor, seed: int = 0) -> None:
        self.images, self.labels = images, labels
        self.n_way = int(labels.max()) + 1
        self.rng = torch.Generator().manual_seed(seed)
        if self.settings.calibrate == "statistics":
            self.mix_statistics()
        if self.settings.head == "sgd":
            self.inner_loop()
        self.find_centroids()
        if self.settings.calibrate == "icfil":
            self.calibrate()
            self.find_centroids()
        if self.settings.head == "ridge":
            self.find_ridge()

    def mix_statistics(self) -> None:
        share = share_of(len(self.images), self.settings.statistics_share)
        parts = []
        for chunk in chunks_for_statistics(
            torch.from_numpy(self.images), images_at_once(self.images.shape[-1])
        ):
            found = self.run("statistics", images=chunk.numpy(), share=share)
            parts.append(
                (len(chunk), {name.removeprefix("batch."): v for name, v in found.items()})
            )
        n = sum(size for size, _ in parts)
        for name in [name for name in parts[0][1] if name.endswith("mean")]:
            var = name.removesuffix("mean") + "var"
            mean = sum(size * part[name] for size, part in parts) / n
            square = sum(size * (part[var] + part[name] ** 2) for size, part in parts) / n
            for which, value in ((name, mean), (var, square - mean**2)):
                self.statistics[which] = (1 - share) * self.statistics[which] + share * value

    def find_ridge(self) -> None:
        both = with_mirror_images(torch.from_numpy(self.images)).numpy()
        features = torch.from_numpy(self.run("features", images=both)["features"])
        targets = balanced_targets(self.labels.repeat(2), self.n_way)
        self.ridge = ridge_head(features, targets, temperature=self.settings.temperature)

    def targets(self, labels: Tensor) -> np.ndarray:
        return balanced_targets(labels, self.n_way).numpy()

    def batches(self, n: int) -> Iterator[tuple[np.ndarray, Tensor]]:
        size = max(self.n_way, min(self.settings.batch_size, images_at_once(self.images.shape[-1])))
        for _ in range(n):
            picks = draw_batch(self.labels, size, self.rng)
            yield self.images[picks.numpy()], self.labels[picks]

    def inner_loop(self) -> None:
        head = self.network.head_name
        learned = len(self.weights[f"{head}.weight"]) == self.n_way
        if self.settings.head_init != "learned" or not learned:
            features = self.run("features", images=self.images)["features"]
            made = self.run(
                "head",
                features=features,
                targets=self.targets(self.labels),
                temperature=self.settings.temperature,
            )
            self.weights |= {f"{head}.weight": made["weight"], f"{head}.bias": made["bias"]}
        for images, labels in self.batches(self.settings.inner_steps):
            targets = self.targets(labels)
            self.take(self.run("sgd", images=images, targets=targets, lr=self.settings.inner_lr))

    def find_centroids(self) -> None:
        features = self.run("features", images=self.images)["features"]
        found = self.run("centroids", features=features, targets=self.targets(self.labels))
        self.centroids = found["centroids"]

    def calibrate(self) -> None:
        settings, spec = self.settings, self.network.spec
        pseudo, pseudo_labels = None, None
        for images, labels in self.batches(settings.calibration_steps):
            if pseudo is None:
                pseudo_labels = torch.arange(self.n_way).repeat_interleave(settings.pseudo_images)
                shape = (len(pseudo_labels), spec.channels, NOISE_GRID, NOISE_GRID)
                noise = torch.randn(shape, generator=self.rng)
                pseudo = self.invert(noise.numpy(), pseudo_labels)
            outputs = self.run(
                "contrast_poster" if settings.icfil_loss == "poster" else "contrast",
                real=images,
                real_labels=labels.numpy(),
                pseudo=pseudo,
                pseudo_labels=pseudo_labels.numpy(),
                temperature=settings.calibration_temperature,
                lr=settings.calibration_lr,
            )
            self.take(outputs)

    def invert(self, noise: np.ndarray, labels: torch.Tensor) -> np.ndarray:
        settings = self.settings
        given = {
            "pseudo": self.run("start", noise=noise)["pseudo"],
            "targets": np.eye(self.n_way)[labels.numpy()],
            "lr": settings.inversion_lr,
        }
        name = "invert_head"
        if settings.head != "sgd":
            name = "invert_centroids"
            given |= {"centroids": self.centroids, "temperature": settings.temperature}
        for _ in range(settings.inversion_steps):
            given["pseudo"] = self.run(name, **given)["new.pseudo"]
        return given["pseudo"]

    def logits(self, images: np.ndarray) -> np.ndarray:
        if self.settings.head == "sgd":
            return self.run("logits", images=images)["logits"]
        if self.settings.head == "ridge":
            head = {"ridge_weight": self.ridge.weight, "ridge_bias": self.ridge.bias}
            return self.run("ridge", images=images, **head)["logits"]
        return self.run(
            "compare",
            images=images,
            centroids=self.centroids,
            temperature=self.settings.temperature,
        )["logits"]


def onnxruntime_run(graphs: list[Graph]) -> Run:
    """Runs graphs with onnxruntime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    sessions: dict = {}

    def run(name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if name not in sessions:
            graph = next(graph for graph in graphs if graph.step.name == name)
            sessions[name] = onnxruntime.InferenceSession(graph.content(), options)
        names = [output.name for output in sessions[name].get_outputs()]
        return dict(zip(names, sessions[name].run(names, inputs), strict=True))

    return run


def reference_run(graphs: list[Graph]) -> Run:
    """Runs graphs with the reference of the ONNX project, in whatever type they are.

    Two of its operators are replaced: its `Erf` is in single precision whatever it is given, and
    its `ConvTranspose` takes groups of one channel only.
    """
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

    class Erf(OpRun):
        def _run(self, x: np.ndarray) -> tuple[np.ndarray]:
            return (torch.erf(torch.from_numpy(x)).numpy(),)

    class ConvTranspose(OpRun):
        def _run(
            self,
            x: np.ndarray,
            weight: np.ndarray,
            *,
            pads: list[int],
            output_padding: list[int],
            strides: list[int],
            dilations: list[int],
            group: int,
            **_: Any,
        ) -> tuple[np.ndarray]:
            given = torch.from_numpy(np.array(x)), torch.from_numpy(np.array(weight)), None
            made = torch.conv_transpose2d(
                *given, strides, pads[:2], output_padding, groups=group, dilation=dilations
            )
            return (made.numpy(),)

    ours = [Erf, ConvTranspose]
    models = {graph.step.name: ReferenceEvaluator(graph.model, new_ops=ours) for graph in graphs}

    def run(name: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        results = models[name].run(None, inputs)
        return dict(zip(models[name].output_names, results, strict=True))

    return run
