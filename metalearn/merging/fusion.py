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


@dataclass(frozen=True)
class FusionSettings:
    """Treatment of the heads when weights are averaged."""

    heads: str = setting(
        "averaged",
        "averaged also averages the heads (papers) if all models have equally many classes, and is "
        "fresh otherwise; fresh initialises a new head",
        choices=("averaged", "fresh"),
    )
    n_way: int = setting(5, "classes of a fresh head", low=2, high=20)
    head: str = setting(
        "prototypes",
        "head at adaptation (papers: sgd)",
        choices=("sgd", "prototypes"),
    )


def fusible(pool: Pool) -> Pool:
    """Return the largest group of teachers whose tensors before the head have the same shapes.

    Ties go to the group that comes first in the pool. Input sizes and class counts may differ.
    Raises InvalidPool if no two teachers match.
    """
    groups: dict[object, list[int]] = {}
    for index, teacher in enumerate(pool.teachers):
        groups.setdefault(kind_of(teacher.network), []).append(index)
    largest = max(groups.values(), key=len)
    if len(largest) < 2:
        raise InvalidPool(
            "Only weights of models with the same architecture and width can be merged, and this "
            "pool has no two of them; add another model of a kind that it has."
        )
    return pool.part(largest)


def fits(pool: Pool, network: Network) -> list[Teacher]:
    """Return the teachers whose tensors before the head have the shapes of this network's."""
    kind = kind_of(network)
    return [teacher for teacher in pool.teachers if kind_of(teacher.network) == kind]


def kind_of(network: Network) -> object:
    """Return a key that is equal if all tensors before the head match in name and shape."""
    shapes = {name: tuple(tensor.shape) for name, tensor in embedding_state(network).items()}
    return network.spec.architecture, tuple(sorted(shapes.items()))


def averages_heads(pool: Pool, settings: FusionSettings) -> bool:
    return settings.heads == "averaged" and same_heads(pool.teachers)


def fused_spec(pool: Pool, settings: FusionSettings) -> NetworkSpec:
    averaged = averages_heads(pool, settings)
    n_classes = pool.teachers[0].n_classes if averaged else settings.n_way
    return learner_like_teachers(pool, n_classes=n_classes)


def same_heads(teachers: Sequence[Teacher]) -> bool:
    return len({tuple(teacher.network.output_layer.weight.shape) for teacher in teachers}) == 1


def embedding_state(network: Network) -> dict[str, Tensor]:
    """Return all tensors of a network except those with a row per class, without copying."""
    heads = tuple(f"{name}." for name in (network.head_name, *network.beside_head))
    return {
        name: tensor for name, tensor in network.state_dict().items() if not name.startswith(heads)
    }


@torch.no_grad()
def mean_state(states: Sequence[State]) -> dict[str, Tensor]:
    """Return the element-wise mean of states with equal names and shapes.

    Integers (batch-norm counts its batches) are taken from the first state.
    """
    first = states[0]
    return {
        name: torch.stack([state[name] for state in states]).mean(0)
        if tensor.is_floating_point()
        else tensor.clone()
        for name, tensor in first.items()
    }
