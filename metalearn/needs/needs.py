"""What a run needs, in numbers."""

from dataclasses import dataclass

from torch import nn

from metalearn.needs.measuring import multiply_adds_each, seconds_each
from metalearn.needs.part import Part
from metalearn.pool import Pool
from metalearn.pool.network_cache import CachedNetwork


@dataclass(frozen=True)
class Needs:
    """Bytes of memory and disk, and the work, of a whole run.

    The memory is that of the tensors; Python and its libraries come on top (`forecast.py`).
    """

    models: int
    """Models of the pool that are in memory at once."""
    held: int
    """What the run itself holds from step to step: learner, optimisers, pictures."""
    passing: int = 0
    """What a step takes and gives back, where it takes most."""
    cached: int = 0
    """The file of the models that make room."""
    snapshot: int = 0
    """The largest state that is saved."""
    work: tuple[Part, ...] = ()

    @property
    def memory_mb(self) -> int:
        """Peak memory."""
        return in_mb(self.models + self.held + self.passing)

    def multiply_adds(self) -> float:
        """Multiply-adds of convolutions and matrix products in all steps."""
        return sum(part.pictures * multiply_adds_each(part) for part in self.work if part.times)

    def seconds(self) -> float:
        """Time of all steps, from what parts of them take here and now; measured in a second."""
        return sum(part.pictures * seconds_each(part) for part in self.work if part.times)


def in_mb(n_bytes: int) -> int:
    """Megabytes, rounded up."""
    return -(-n_bytes // 2**20)


def held_bytes(pool: Pool, *, whole: bool = False) -> int:
    """A pool's models that are in memory at once: what its cache takes, or the `whole` pool."""
    sizes = [one.n_bytes for one in pool.teachers]
    # The one that is fetched is there before another makes room.
    return sum(sizes) if whole else min(sum(sizes), loaded_bytes(pool) + max(sizes))


def loaded_bytes(pool: Pool) -> int:
    """A pool's models that stay in memory."""
    total = sum(one.n_bytes for one in pool.teachers)
    room = _room(pool)
    return total if room is None else min(total, room)


def largest_tensor(network: nn.Module) -> int:
    """Bytes of its largest parameter."""
    return max(weight.numel() * weight.element_size() for weight in network.parameters())


def cached_bytes(pool: Pool) -> int:
    """The file of a pool's models: all of them, sooner or later, once one must make room."""
    total = sum(one.n_bytes for one in pool.teachers)
    room = _room(pool)
    return total if room is not None and total > room else 0


def _room(pool: Pool) -> int | None:
    """What the pool's cache holds; None where a model lies on none."""
    caches = [one.held.cache for one in pool.teachers if isinstance(one.held, CachedNetwork)]
    return caches[0].max_bytes if len(caches) == len(pool) else None
