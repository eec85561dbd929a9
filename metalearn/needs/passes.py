"""Parts common to most algorithms: passes through teachers, a learner or a generator."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from metalearn.needs.measuring import bytes_each
from metalearn.needs.part import Part
from metalearn.networks import Network, NetworkSpec, build_network
from metalearn.networks.generator import Generator
from metalearn.numerics.augmentation import crop_and_colour
from metalearn.numerics.gradients import set_gradients
from metalearn.numerics.precision import autocast, on_device, uses_bf16
from metalearn.numerics.preparation import prepare_images
from metalearn.pool import Pool, Teacher
from metalearn.procedural import draw_pictures
from metalearn.recovery.teacher_pass import Limits, images_at_once, seen_by
from metalearn.shapes import Images


class Moved(Protocol):
    def step(self) -> object: ...


Optimiser = Callable[[Network], Moved]
_NO_LIMIT = 2**62
_AGAIN = 4 / 3
"""Processing in portions repeats the forward pass: four passes instead of three."""


def kinds_of(pool: Pool) -> list[tuple[Teacher, float]]:
    """Return one teacher of each kind with the kind's share of the pool, ignoring class counts."""
    met: dict[object, list[Teacher]] = {}
    for teacher in pool.teachers:
        met.setdefault(_kind(teacher.spec), []).append(teacher)
    return [(teachers[0], len(teachers) / len(pool)) for teachers in met.values()]


def recovering(
    pool: Pool, *, pictures: int, size: int, times: float, limits: Limits, device: torch.device
) -> list[Part]:
    parts = []
    for teacher, share in kinds_of(pool):
        like = _grey(1, teacher.channels, 1, device)
        at_once = min(pictures, images_at_once(teacher.to(device), like, limits))
        portions = pictures / at_once * (1 if at_once == pictures else _AGAIN)
        kind = ("recovering", _kind(teacher.spec), size, uses_bf16(limits.precision, device))
        rehearse = _recovery_by(teacher, size, limits.precision, device)
        parts.append(Part(kind, rehearse, at_once, share * times * portions, device))
    return parts


def _recovery_by(
    teacher: Teacher, size: int, precision: str, device: torch.device
) -> Callable[[int], None]:
    def rehearse(n: int) -> None:
        images = _grey(n, teacher.channels, size, device).requires_grad_()
        # The run's own limit would split a rehearsal, too.
        logits, records = seen_by(teacher, images, Limits(_NO_LIMIT, precision))
        moments = [record.batch_var.sum() for record in records]
        torch.autograd.grad(torch.stack([logits.sum(), *moments]).sum(), images)

    return rehearse


def looking(
    pool: Pool, *, pictures: int, size: int, times: float, precision: str, device: torch.device
) -> list[Part]:
    return [
        embedding(
            teacher.to(device).network,
            pictures=pictures,
            size=size,
            times=share * times,
            precision=precision,
        )
        for teacher, share in kinds_of(pool)
    ]


def embedding(network: Network, *, pictures: int, size: int, times: float, precision: str) -> Part:
    device = next(network.parameters()).device

    @torch.no_grad()
    def rehearse(n: int) -> None:
        _features(network, _grey(n, network.spec.channels, size, device), precision)

    kind = ("embedding", _kind(network.spec), size, uses_bf16(precision, device))
    return Part(kind, rehearse, pictures, times, device)


def network_of(spec: NetworkSpec, device: torch.device) -> Network:
    """Build a network for rehearsals without advancing any random generator."""
    with torch.random.fork_rng(devices=[]):
        network = build_network(spec)
    return on_device(network, device).eval()


def learning(
    learner: Network,
    *,
    pictures: int,
    size: int,
    times: float,
    precision: str,
    augmented: bool = False,
) -> Part:
    device = next(learner.parameters()).device
    pupil = copy.deepcopy(learner).train()
    rng = torch.Generator().manual_seed(0)

    def rehearse(n: int) -> None:
        images = _grey(n, learner.spec.channels, size, device)
        if augmented:
            images = crop_and_colour(images, strength=1.0, rng=rng)
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
            features = _features(pupil, images, precision)
        torch.autograd.backward(features.square().sum())

    kind = ("learning", learner.spec, size, uses_bf16(precision, device), augmented)
    return Part(kind, rehearse, pictures, times, device)


def stepping(kind: str, learner: Network, optimiser: Optimiser, *, times: float) -> Part:
    """Return the steps of an optimiser, whose cost does not depend on the batch size."""
    pupil = copy.deepcopy(learner)
    moved = optimiser(pupil)
    set_gradients(pupil.parameters(), [torch.zeros_like(p) for p in pupil.parameters()])

    def rehearse(n: int) -> None:
        for _ in range(n):
            moved.step()

    device = next(learner.parameters()).device
    return Part(("stepping", kind, learner.spec), rehearse, 1, times, device)


def generating(generator: Generator, *, pictures: int, times: float, precision: str) -> Part:
    device = next(generator.parameters()).device
    maker = copy.deepcopy(generator)

    def rehearse(n: int) -> None:
        latents = torch.zeros(n, latents_of(generator), device=device)
        labels = torch.zeros(n, dtype=torch.long, device=device)
        with autocast(precision, device):
            made = maker(latents.requires_grad_(), labels)
        torch.autograd.backward(made.square().sum())

    shape = (generator.image_size, generator.width, generator.n_way, latents_of(generator))
    kind = ("generating", shape, uses_bf16(precision, device))
    return Part(kind, rehearse, pictures, times, device)


def drawing(pool: Pool, *, pictures: int, size: int, times: float, kind: str) -> Part:
    mean, std = pool.mean, pool.std
    rng = torch.Generator().manual_seed(0)

    def rehearse(n: int) -> None:
        draw_pictures(n, size=size, mean=mean, std=std, rng=rng, kind=kind)

    name = ("drawing", kind, size, pool.channels)
    return Part(name, rehearse, pictures, times, torch.device("cpu"))


def taken(part: Part) -> int:
    return int(part.at_once * bytes_each(part))


def most_taken(parts: Iterable[Part]) -> int:
    return max((taken(part) for part in parts), default=0)


def latents_of(generator: Generator) -> int:
    return generator.from_latent.in_features


def _features(network: Network, images: Images, precision: str) -> Tensor:
    spec = network.spec
    ready = prepare_images(
        images, size=spec.image_size, mean=(0.5,) * spec.channels, std=(0.25,) * spec.channels
    ).contiguous(memory_format=torch.channels_last)
    with autocast(precision, images.device):
        features: Tensor = network.embed(ready)
    return features.float()


def _grey(n: int, channels: int, size: int, device: torch.device) -> Tensor:
    return torch.full((n, channels, size, size), 0.5, device=device)


def _kind(spec: NetworkSpec) -> object:
    return replace(spec, n_classes=1)
