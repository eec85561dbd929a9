"""Learners that start from weights of the pool's models instead of random ones.

Models fine-tuned from the same published weights stay close together, and the mean of their weights
largely retains what each can do (Wortsman et al. 2022, "Model soups"). Models trained independently
do not, even if their architecture is the same.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.learning.learner_settings import BEST, RELATIVES
from metalearn.learning.teacher_choice import best_by_textures
from metalearn.merging.fusion import embedding_state, kind_of, mean_state
from metalearn.networks import Network, get_architecture
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool

_KINSHIP = 0.5
"""Cosine of weights: 0.9 or more for relatives, nearly 0 for other models."""
_KERNELS_COMPARED = 100_000


@dataclass(frozen=True)
class LearnerStart:
    """A network with a fresh head, and the normalisation it was trained with."""

    network: Network
    mean: tuple[float, ...]
    std: tuple[float, ...]
    copied: tuple[int, ...]


def start_of_pool(
    pool: Pool, start: str, *, n_classes: int, image_size: int, rng: torch.Generator
) -> LearnerStart:
    """Return the initial network that a learner's settings ask for.

    `image_size` 0 means the largest among the copied teachers. Raises InvalidSetting if the pool
    has no such teachers, or none for images of that size.
    """
    copied = _copied(pool, start, rng)
    return start_from(pool, copied, n_classes=n_classes, image_size=image_size, rng=rng)


def start_from(
    pool: Pool, copied: tuple[int, ...], *, n_classes: int, image_size: int, rng: torch.Generator
) -> LearnerStart:
    """Return the mean weights of the teachers at these indices, with a fresh head.

    `image_size` 0 means the largest among them. Raises InvalidSetting if they do not accept that
    size.
    """
    teachers = [pool.teachers[index] for index in copied]
    first = max(teachers, key=lambda teacher: teacher.image_size)
    spec = replace(
        first.network.spec, n_classes=n_classes, image_size=image_size or first.image_size
    )
    with seeded_from(rng):
        network = get_architecture(spec.architecture).build(spec)
    if kind_of(network) != kind_of(first.network):
        raise InvalidSetting(
            f"{spec.architecture} has different weights for images of {spec.image_size} pixels; "
            f"set learner_image_size to {first.image_size}, the size it was trained with."
        )
    states = [embedding_state(teacher.network) for teacher in teachers]
    network.load_state_dict(network.state_dict() | mean_state(states))
    return LearnerStart(network, first.mean, first.std, copied)


def _copied(pool: Pool, start: str, rng: torch.Generator) -> tuple[int, ...]:
    if start == BEST:
        return (best_by_textures(pool, rng),)
    if start == RELATIVES:
        return largest_family(pool)
    names = [teacher.name for teacher in pool.teachers]
    if start not in names:
        raise InvalidSetting(
            f"The pool has no model “{start[:60]}” to start from; give the name of one of its "
            f"models, {BEST} or {RELATIVES}."
        )
    return (names.index(start),)


def largest_family(pool: Pool) -> tuple[int, ...]:
    """Return the indices of the largest group fine-tuned from the same weights, in order.

    Raises InvalidPool if no two teachers are related.
    """
    largest = max(_families(pool), key=len)
    if len(largest) < 2:
        raise InvalidPool(
            "No two models of this pool were fine-tuned from the same weights; add a relative of "
            "one of them, or choose another algorithm or another start."
        )
    return tuple(largest)


def are_relatives(pool: Pool) -> bool:
    return len(_families(pool)) == 1


def _families(pool: Pool) -> list[list[int]]:
    families: dict[object, list[list[int]]] = {}
    kernels = [_kernels(teacher.network) for teacher in pool.teachers]
    for index, teacher in enumerate(pool.teachers):
        known = families.setdefault(kind_of(teacher.network), [])
        for family in known:
            if F.cosine_similarity(kernels[index], kernels[family[0]], dim=0) > _KINSHIP:
                family.append(index)
                break
        else:
            known.append([index])
    return [family for known in families.values() for family in known]


def _kernels(network: Network) -> Tensor:
    """Return a bounded sample of the weights before the head, as one vector."""
    state = embedding_state(network).values()
    flat = torch.cat([tensor.flatten() for tensor in state if tensor.ndim > 1])
    return flat[:: max(1, len(flat) // _KERNELS_COMPARED)].clone()
