"""Teachers whose weights can be brought together into one network's: which, and their mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from metalearn.errors import InvalidPool
from metalearn.learning.learner_spec import learner_like_teachers
from metalearn.networks import Network, NetworkSpec
from metalearn.pool import Pool, Teacher
from metalearn.settings import setting

State = Mapping[str, Tensor]
"""A network's tensors by their names, or some of them."""


@dataclass(frozen=True)
class FusionSettings:
    """What becomes of the heads when weights are averaged."""

    heads: str = setting(
        "averaged",
        "averaged is the papers' mean of the heads too, where all models have as many classes "
        "(else as fresh); fresh draws a new head",
        choices=("averaged", "fresh"),
    )
    n_way: int = setting(5, "classes of a fresh head", low=2, high=20)
    head: str = setting(
        "prototypes",
        "head at adaptation (papers: sgd)",
        choices=("sgd", "prototypes"),
    )


def fusible(pool: Pool) -> Pool:
    """The largest group of teachers whose tensors before the head have the same shapes.

    Of groups of the same size the one that comes first in the pool. Input sizes and class counts
    may differ. Raises InvalidPool when there are no two such teachers.
    """
    groups: dict[object, list[int]] = {}
    for index, teacher in enumerate(pool.teachers):
        groups.setdefault(kind_of(teacher.network), []).append(index)
    largest = max(groups.values(), key=len)
    if len(largest) < 2:
        raise InvalidPool(
            "Weights can only be brought together from models of the same architecture and "
            "width, and this pool has no two of them; add another model of a kind that it has."
        )
    return pool.part(largest)


def fits(pool: Pool, network: Network) -> list[Teacher]:
    """The teachers whose tensors before the head have the shapes of this network's."""
    kind = kind_of(network)
    return [teacher for teacher in pool.teachers if kind_of(teacher.network) == kind]


def kind_of(network: Network) -> object:
    """Equal for networks whose tensors before the head have the same names and shapes."""
    shapes = {name: tuple(tensor.shape) for name, tensor in embedding_state(network).items()}
    return network.spec.architecture, tuple(sorted(shapes.items()))


def averages_heads(pool: Pool, settings: FusionSettings) -> bool:
    """Whether these teachers' heads are averaged too."""
    return settings.heads == "averaged" and same_heads(pool.teachers)


def fused_spec(pool: Pool, settings: FusionSettings) -> NetworkSpec:
    """What network these teachers' weights become."""
    averaged = averages_heads(pool, settings)
    n_classes = pool.teachers[0].n_classes if averaged else settings.n_way
    return learner_like_teachers(pool, n_classes=n_classes)


def same_heads(teachers: Sequence[Teacher]) -> bool:
    """Whether all heads have the same shape: as many classes, as many features."""
    return len({tuple(teacher.network.output_layer.weight.shape) for teacher in teachers}) == 1


def embedding_state(network: Network) -> dict[str, Tensor]:
    """All tensors of a network but those with a row for each class, not copied."""
    heads = tuple(f"{name}." for name in (network.head_name, *network.beside_head))
    return {
        name: tensor for name, tensor in network.state_dict().items() if not name.startswith(heads)
    }


@torch.no_grad()
def mean_state(states: Sequence[State]) -> dict[str, Tensor]:
    """The element-wise mean of tensors of the same names and shapes.

    Whole numbers (batch-norm counts its batches) are taken from the first.
    """
    first = states[0]
    return {
        name: torch.stack([state[name] for state in states]).mean(0)
        if tensor.is_floating_point()
        else tensor.clone()
        for name, tensor in first.items()
    }
