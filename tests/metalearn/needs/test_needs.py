"""What a pool's models take in memory and on the disk."""

import torch

from metalearn.needs import Needs, Part, cached_bytes, held_bytes
from metalearn.pool import Pool
from metalearn.pool.network_cache import NetworkCache, network_bytes


def cached_in(pool: Pool, max_bytes: int) -> Pool:
    cache = NetworkCache(max_bytes)
    return Pool(tuple(teacher.cached_in(cache) for teacher in pool.teachers))


def test_a_pool_on_no_shelf_is_in_memory_as_a_whole(tiny_pool: Pool) -> None:
    total = sum(network_bytes(teacher.network) for teacher in tiny_pool.teachers)
    assert held_bytes(tiny_pool) == held_bytes(tiny_pool, whole=True) == total
    assert cached_bytes(tiny_pool) == 0


def test_beyond_its_shelf_a_pool_lies_on_the_disk_and_one_model_more_than_fit_is_in_memory(
    tiny_pool: Pool,
) -> None:
    sizes = [network_bytes(teacher.network) for teacher in tiny_pool.teachers]
    pool = cached_in(tiny_pool, sizes[0])
    assert held_bytes(pool) == min(sum(sizes), sizes[0] + max(sizes))
    assert held_bytes(pool, whole=True) == cached_bytes(pool) == sum(sizes)
    assert cached_bytes(cached_in(tiny_pool, sum(sizes))) == 0


def test_memory_is_megabytes_rounded_up_and_work_adds_up() -> None:
    def product(n: int) -> None:
        torch.ones(n, 5) @ torch.ones(5, 3)

    cpu = torch.device("cpu")
    work = (Part("a", product, 4, 10, cpu), Part("b", product, 4, 0, cpu))
    needs = Needs(models=2**20, held=1, passing=2**20, cached=5, snapshot=5, work=work)
    assert needs.memory_mb == 3
    assert needs.multiply_adds() == 4 * 10 * 15
    assert needs.seconds() > 0
