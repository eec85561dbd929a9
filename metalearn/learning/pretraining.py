"""Pretraining of teachers: small classifiers of a few classes, as in the data-free literature.

Recipe of `algorithms.md` §0.2 (FREE, PURER, BiDf-MKD): batch 128, cross-entropy, gradient norm
clipped at 50; Conv4 with Adam at 0.01, everything else with SGD at 0.01, momentum 0.9, weight decay
5e-4 and a fifth of the rate after half and after five sixths of the epochs. Unlike the released
code, classes are sorted and every draw is seeded, so that a pool is reproducible.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.datasets import ImageSet
from metalearn.errors import InvalidData, InvalidSetting
from metalearn.networks import NetworkSpec, get_architecture
from metalearn.numerics.precision import autocast, on_device
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Teacher

TRAIN_SHARE = 0.8
_CLIP = 50.0
_BATCH = 128
_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class PretrainingPlan:
    """Teachers to make. Width 0 means the architecture's usual one."""

    n_models: int
    n_way: int = 5
    architecture: str = "conv4"
    width: int = 0
    epochs: int = 60
    seed: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        if min(self.n_models, self.epochs) < 1 or self.n_way < 2 or self.width < 0:
            raise InvalidSetting(
                "Pre-training needs at least one model, one epoch and two classes per model."
            )


@dataclass(frozen=True)
class PretrainedTeacher:
    """A teacher with its accuracy on held-out images (0 to 1) and its cost."""

    teacher: Teacher
    held_out_accuracy: float
    epochs: int
    seconds: float


def pretrain(
    data: ImageSet, plan: PretrainingPlan, device: torch.device
) -> Iterator[PretrainedTeacher]:
    """Yield the plan's teachers. Model i does not depend on the others.

    Raises InvalidData if the data has too few classes or a class too few images.
    """
    mean, std = usual_statistics(data.images)
    for index in range(plan.n_models):
        start = time.perf_counter()
        rng = torch.Generator().manual_seed(plan.seed * 1_000_003 + index)
        classes = _draw_classes(data, plan.n_way, rng)
        train, held_out = _split(data, classes)
        teacher = _new_teacher(data, plan, index=index, classes=classes, rng=rng, scale=(mean, std))
        on_device(teacher.network, device)
        # Dropout draws from the global generator. Not drawing its seed from rng keeps networks
        # without dropout unchanged.
        with seeded_from(torch.Generator().manual_seed(rng.initial_seed())):
            _train(teacher, train, plan, rng)
        accuracy = accuracy_of(teacher, held_out)
        yield PretrainedTeacher(teacher, accuracy, plan.epochs, time.perf_counter() - start)


def _draw_classes(data: ImageSet, n_way: int, rng: torch.Generator) -> list[int]:
    if len(data.class_names) < n_way:
        raise InvalidData(
            f"The data has {len(data.class_names)} classes, fewer than the {n_way} of a model."
        )
    by_name = sorted(range(len(data.class_names)), key=lambda label: data.class_names[label])
    picks = torch.randperm(len(by_name), generator=rng)[:n_way].tolist()
    return [by_name[pick] for pick in sorted(picks)]


def draw_class_names(data: ImageSet, n_way: int, rng: torch.Generator) -> list[str]:
    """Draw `n_way` sorted class names without replacement. Raises InvalidData."""
    return [data.class_names[label] for label in _draw_classes(data, n_way, rng)]


def _split(data: ImageSet, classes: list[int]) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return uint8 (images, labels) of the first 80 % of every class, and of the rest.

    With tracks it is the first 80 % of a class's tracks: frames of one film on both sides would
    make the held-out accuracy measure memorisation.
    """
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    for label in classes:
        of_class = data.labels == label
        images = data.images[of_class]
        tracks = torch.arange(len(images)) if data.tracks is None else data.tracks[of_class]
        numbers = torch.unique(tracks)
        n_train = int(TRAIN_SHARE * len(numbers))
        if not 0 < n_train < len(numbers):
            raise InvalidData(
                f"The class “{data.class_names[label]}” has {len(numbers)} "
                f"{'images' if data.tracks is None else 'tracks'}; at least two are needed."
            )
        train = torch.isin(tracks, numbers[:n_train])
        parts[0].append(images[train])
        parts[1].append(images[~train])
    return tuple((torch.cat(part), _labels(part)) for part in parts)


def _labels(part: list[Tensor]) -> Tensor:
    return torch.cat([torch.full((len(images),), label) for label, images in enumerate(part)])


def _new_teacher(
    data: ImageSet,
    plan: PretrainingPlan,
    *,
    index: int,
    classes: list[int],
    rng: torch.Generator,
    scale: tuple[tuple[float, ...], tuple[float, ...]],
) -> Teacher:
    architecture = get_architecture(plan.architecture)
    spec = NetworkSpec(
        architecture=plan.architecture,
        width=plan.width or architecture.default_width,
        channels=data.channels,
        # Small images are enlarged for networks with a larger minimum.
        image_size=max(data.image_size, architecture.min_image_size),
        n_classes=len(classes),
    )
    with seeded_from(rng):
        network = architecture.build(spec)
    return Teacher(
        name=f"model_{index:03d}",
        held=network,
        mean=scale[0],
        std=scale[1],
        class_names=tuple(data.class_names[label] for label in classes),
    )


def _train(
    teacher: Teacher, data: tuple[Tensor, Tensor], plan: PretrainingPlan, rng: torch.Generator
) -> None:
    network, device = teacher.network, next(teacher.network.parameters()).device
    network.train().requires_grad_(True)
    optimiser = _optimiser(network.parameters(), plan.architecture)
    milestones = [max(1, plan.epochs // 2), max(1, plan.epochs * 5 // 6)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones, gamma=0.2)
    images, labels = data[0].to(device), data[1].to(device)
    for _ in range(plan.epochs):
        for picks in torch.split(torch.randperm(len(labels), generator=rng), _BATCH):
            if len(picks) == 1:  # batch-norm cannot train on one image
                continue
            picks = picks.to(device)
            batch = teacher.prepare(images[picks].float() / 255)
            batch = batch.contiguous(memory_format=torch.channels_last)
            with autocast(plan.precision, device):
                logits = network(batch)
            loss = F.cross_entropy(logits.float(), labels[picks])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
            optimiser.step()
        if plan.architecture != "conv4":
            schedule.step()
    network.eval().requires_grad_(False)


def _optimiser(parameters: Iterator[torch.nn.Parameter], name: str) -> torch.optim.Optimizer:
    if name == "conv4":
        return torch.optim.Adam(parameters, lr=0.01, fused=True)
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)


@torch.no_grad()
def accuracy_of(teacher: Teacher, data: tuple[Tensor, Tensor]) -> float:
    device = next(teacher.network.parameters()).device
    right = 0
    for images, labels in zip(
        torch.split(data[0], _EVALUATION_BATCH),
        torch.split(data[1], _EVALUATION_BATCH),
        strict=True,
    ):
        logits = teacher.logits(images.to(device).float() / 255)
        right += int((logits.argmax(1).cpu() == labels).sum())
    return right / len(data[1])


def usual_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel over all images, for values in [0, 1]."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        share = torch.bincount(channel.reshape(-1), minlength=256).double() / channel.numel()
        mean = float((share * values).sum())
        means.append(round(mean, 4))
        deviations.append(round(max(float((share * (values - mean) ** 2).sum()) ** 0.5, 1e-3), 4))
    return tuple(means), tuple(deviations)
