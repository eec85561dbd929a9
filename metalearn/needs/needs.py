from dataclasses import dataclass

from torch import nn

from metalearn.needs.measuring import multiply_adds_each, seconds_each
from metalearn.needs.part import Part
from metalearn.pool import Pool
from metalearn.pool.network_cache import CachedNetwork


@dataclass(frozen=True)
class Needs:
    """Memory, disk space and work of a whole run, in bytes.

    Memory counts tensors only; Python and its libraries come on top (`forecast.py`).
    """

    models: int
    """Models of the pool that are in memory at the same time."""
    held: int
    """Memory kept between steps: learner, optimisers, images."""
    passing: int = 0
    """Peak temporary memory of a step."""
    cached: int = 0
    """Size of the file that holds evicted models."""
    snapshot: int = 0
    work: tuple[Part, ...] = ()

    @property
    def memory_mb(self) -> int:
        return in_mb(self.models + self.held + self.passing)

    def multiply_adds(self) -> float:
        """Return multiply-adds of convolutions and matrix products over all steps."""
        return sum(part.pictures * multiply_adds_each(part) for part in self.work if part.times)

    def seconds(self) -> float:
        """Return the estimated time of all steps on this machine. Measuring takes a second."""
        return sum(part.pictures * seconds_each(part) for part in self.work if part.times)


def in_mb(n_bytes: int) -> int:
    return -(-n_bytes // 2**20)


def held_bytes(pool: Pool, *, whole: bool = False) -> int:
    """Return the peak memory of a pool's models: the cache's limit, or the `whole` pool."""
    sizes = [one.n_bytes for one in pool.teachers]
    # A model is fetched before another is evicted.
    return sum(sizes) if whole else min(sum(sizes), loaded_bytes(pool) + max(sizes))


def loaded_bytes(pool: Pool) -> int:
    total = sum(one.n_bytes for one in pool.teachers)
    room = _room(pool)
    return total if room is None else min(total, room)


def largest_tensor(network: nn.Module) -> int:
    return max(weight.numel() * weight.element_size() for weight in network.parameters())


def cached_bytes(pool: Pool) -> int:
    """Return the size of the cache file. All models end up in it once one is evicted."""
    total = sum(one.n_bytes for one in pool.teachers)
    room = _room(pool)
    return total if room is not None and total > room else 0


def _room(pool: Pool) -> int | None:
    caches = [one.held.cache for one in pool.teachers if isinstance(one.held, CachedNetwork)]
    return caches[0].max_bytes if len(caches) == len(pool) else None
