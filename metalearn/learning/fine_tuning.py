"""Fine-tuning of a classifier on a few classes, as model owners do.

A pre-trained network, for example on ImageNet, gets a new head and is trained with AdamW (decoupled
weight decay, Loshchilov & Hutter 2019), a rate that rises over the first epoch and falls along a
half cosine, and random crops, flips and colours. The epoch with the best held-out accuracy is kept.

Batch-norm keeps its statistics. With those of small batches of one domain, the features of an
EfficientNet-Lite0 separate unseen classes much worse, even without any weight update.
"""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from contract.declared import DeclaredFile
from metalearn.checkpoint.model import read_model
from metalearn.checkpoint.suggesting import normalisation_of
from metalearn.datasets import ImageSet
from metalearn.errors import InvalidCheckpoint, InvalidData, InvalidSetting
from metalearn.learning.pretraining import PretrainedTeacher, accuracy_of, usual_statistics
from metalearn.networks import Network, NetworkSpec, get_architecture
from metalearn.numerics.augmentation import crop_and_colour
from metalearn.numerics.precision import autocast, on_device
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Teacher

HELD_OUT_SHARE = 0.1
_WEIGHT_DECAY = 0.02
_CLIP = 5.0


@dataclass(frozen=True)
class FineTuningPlan:
    """Settings of one training, which ends after `patience` epochs without improvement."""

    epochs: int = 12
    patience: int = 3
    batch_size: int = 32
    lr: float = 2e-4
    head_lr: float = 3e-3
    augmentation: float = 0.5
    keeps_statistics: bool = True
    seed: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        if min(self.epochs, self.patience) < 1 or self.batch_size < 2:
            raise InvalidSetting(
                "Fine-tuning needs at least one epoch, one of patience and two images in a batch."
            )


@dataclass(frozen=True)
class Start:
    """A network with a new head, and the normalisation it was trained with."""

    network: Network
    mean: tuple[float, ...]
    std: tuple[float, ...]


def read_start(path: Path, *, n_classes: int, image_size: int, seed: int) -> Start:
    """Read a classifier from a file, and give it a new head and input size.

    Raises InvalidCheckpoint if there is none, or if it does not accept images of that size.
    """
    model = read_model(path, DeclaredFile(file_name=path.name))
    spec = replace(model.spec, n_classes=n_classes, image_size=image_size)
    network = _fresh(spec, seed)
    head = {f"{network.head_name}.weight", f"{network.head_name}.bias"}
    state = network.state_dict()
    for name in state.keys() & model.tensors.keys() - head:
        if state[name].shape != model.tensors[name].shape:
            raise InvalidCheckpoint(
                f"{spec.architecture} has different weights for images of {image_size} pixels; "
                f"give the size that it was trained with, {model.spec.image_size}."
            )
        state[name] = model.tensors[name]
    network.load_state_dict(state)
    mean, std, _ = normalisation_of(model)
    return Start(network, mean, std)


def new_start(
    architecture: str, data: ImageSet, *, n_classes: int, width: int = 0, seed: int
) -> Start:
    """Return an untrained network for the data's images, normalised by their own statistics."""
    kind = get_architecture(architecture)
    size = max(data.image_size, kind.min_image_size)
    spec = NetworkSpec(architecture, width or kind.default_width, data.channels, size, n_classes)
    return Start(_fresh(spec, seed), *usual_statistics(data.images))


def fine_tune(
    data: ImageSet,
    classes: Sequence[str],
    start: Start,
    plan: FineTuningPlan,
    *,
    device: torch.device,
    name: str,
) -> PretrainedTeacher:
    """Train the start's network in place to distinguish `classes`, and freeze it at its best epoch.

    Raises InvalidData if the data lacks a class, or images of one.
    """
    begin = time.perf_counter()
    rng = torch.Generator().manual_seed(plan.seed)
    train, held_out = _split(data, classes, rng)
    teacher = Teacher(name, start.network, start.mean, start.std, tuple(classes))
    on_device(teacher.network, device)
    best, best_state, waited = -1.0, {}, 0
    with seeded_from(rng):
        optimiser = _optimiser(teacher.network, plan)
        for epoch in range(plan.epochs):
            _train_epoch(teacher, train, optimiser, plan, epoch=epoch, rng=rng)
            accuracy = accuracy_of(teacher, held_out)
            waited += 1
            if accuracy > best:
                best, waited = accuracy, 0
                best_state = copy.deepcopy(teacher.network.state_dict())
            if waited == plan.patience:
                break
    teacher.network.load_state_dict(best_state)
    return PretrainedTeacher(teacher, best, epoch + 1, time.perf_counter() - begin)


def _fresh(spec: NetworkSpec, seed: int) -> Network:
    architecture = get_architecture(spec.architecture)
    with seeded_from(torch.Generator().manual_seed(seed)):
        return architecture.build(spec)


def _split(
    data: ImageSet, classes: Sequence[str], rng: torch.Generator
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return uint8 (images, labels) to train on, and at least a tenth of each class held out.

    Tracks are held out whole, smallest first, so that most images remain for training.
    """
    held_out = torch.zeros(len(data.labels), dtype=torch.bool)
    labels = torch.full_like(data.labels, -1)
    for label, name in enumerate(classes):
        if name not in data.class_names:
            raise InvalidData(f"The data has no class “{name[:60]}”; check how it is spelt.")
        places = (data.labels == data.class_names.index(name)).nonzero()[:, 0]
        if len(places) < 2:
            raise InvalidData(f"The class “{name[:60]}” has fewer than two images; add some.")
        tracks = torch.arange(len(places)) if data.tracks is None else data.tracks[places]
        labels[places] = label
        held_out[places] = _held_out(tracks, rng)
    train = (labels >= 0) & ~held_out
    return (data.images[train], labels[train]), (data.images[held_out], labels[held_out])


def _held_out(tracks: Tensor, rng: torch.Generator) -> Tensor:
    """Return a mask of a class's held-out images; a class with a single track is split by image."""
    if int(tracks.min()) == int(tracks.max()):
        tracks = torch.arange(len(tracks))
    numbers, sizes = torch.unique(tracks, return_counts=True)
    shuffled = torch.randperm(len(numbers), generator=rng)
    order = shuffled[sizes[shuffled].argsort(stable=True)]
    before = sizes[order].cumsum(0) - sizes[order]
    chosen = order[before < HELD_OUT_SHARE * len(tracks)][: len(numbers) - 1]
    return torch.isin(tracks, numbers[chosen])


def _optimiser(network: Network, plan: FineTuningPlan) -> torch.optim.Optimizer:
    head = {id(p) for p in network.output_layer.parameters()}
    network.requires_grad_(True)
    body = [p for p in network.parameters() if id(p) not in head]
    groups = [
        {"params": [p for p in body if p.ndim > 1], "lr": plan.lr},
        {"params": [p for p in body if p.ndim < 2], "lr": plan.lr, "weight_decay": 0.0},
        {"params": list(network.output_layer.parameters()), "lr": plan.head_lr},
    ]
    for group in groups:
        group["full_lr"] = group["lr"]
    return torch.optim.AdamW(groups, weight_decay=_WEIGHT_DECAY, fused=True)


def _train_epoch(
    teacher: Teacher,
    data: tuple[Tensor, Tensor],
    optimiser: torch.optim.Optimizer,
    plan: FineTuningPlan,
    *,
    epoch: int,
    rng: torch.Generator,
) -> None:
    network, device = teacher.network, next(teacher.network.parameters()).device
    network.train(not plan.keeps_statistics).requires_grad_(True)
    batches = torch.split(torch.randperm(len(data[1]), generator=rng), plan.batch_size)
    for index, picks in enumerate(batches):
        if len(picks) == 1:  # batch-norm cannot train on one image
            continue
        _pace(optimiser, epoch + (index + 1) / len(batches), plan.epochs)
        images = data[0][picks].to(device).float() / 255
        images = crop_and_colour(images, strength=plan.augmentation, rng=rng)
        with autocast(plan.precision, device):
            logits = network(teacher.prepare(images))
        loss = F.cross_entropy(logits.float(), data[1][picks].to(device))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
    network.eval().requires_grad_(False)


def _pace(optimiser: torch.optim.Optimizer, done: float, epochs: int) -> None:
    falling = 0.5 * (1 + math.cos(math.pi * max(0.0, done - 1) / max(1, epochs - 1)))
    for group in optimiser.param_groups:
        group["lr"] = group["full_lr"] * min(done, falling, 1.0)
