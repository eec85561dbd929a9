"""Networks beyond the limit go to the disk and come back as they were, to the last bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.networks.conv4 import Conv4Network
from metalearn.numerics.precision import on_device
from metalearn.pool import Pool
from metalearn.pool.network_cache import NetworkCache

IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def size_of(network: Conv4Network) -> int:
    tensors = [*network.parameters(), *network.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@pytest.fixture
def networks(make_teacher: Callable[..., Any]) -> list[Conv4Network]:
    return [on_device(make_teacher(name).network, torch.device("cpu")) for name in "abcd"]


def test_a_small_pool_stays_in_memory_as_the_very_same_networks(
    networks: list[Conv4Network], tmp_path: Path
) -> None:
    cache = NetworkCache(sum(map(size_of, networks)), tmp_path)
    cached = [cache.keep(network) for network in networks]
    assert all(one.network() is network for one, network in zip(cached, networks, strict=True))
    assert cache.n_loaded == 4


def test_beyond_the_limit_only_the_last_used_are_held(
    networks: list[Conv4Network], tmp_path: Path
) -> None:
    cache = NetworkCache(2 * size_of(networks[0]), tmp_path)
    a, b, c = (cache.keep(network) for network in networks[:3])
    assert cache.n_loaded == 2
    assert c.network() is networks[2] and b.network() is networks[1]
    assert a.network() is not networks[0]
    assert b.network() is networks[1] and c.network() is not networks[2]


def test_a_network_that_came_back_computes_the_same_to_the_last_bit(
    networks: list[Conv4Network], tmp_path: Path
) -> None:
    expected = [network(IMAGES) for network in networks]
    layouts = [[tensor.stride() for tensor in network.parameters()] for network in networks]
    cache = NetworkCache(0, tmp_path)
    cached = [cache.keep(network) for network in networks]
    for _ in range(2):
        for one, logits, strides in zip(cached, expected, layouts, strict=True):
            back = one.network()
            assert torch.equal(back(IMAGES), logits)
            assert [tensor.stride() for tensor in back.parameters()] == strides
            assert not back.training and not any(p.requires_grad for p in back.parameters())
            assert cache.n_loaded == 1


def test_a_network_in_use_stays_whole_when_it_makes_room(
    networks: list[Conv4Network], tmp_path: Path
) -> None:
    cache = NetworkCache(0, tmp_path)
    first = cache.keep(networks[0])
    images = IMAGES.clone().requires_grad_()
    logits = first.network()(images)
    cache.keep(networks[1])
    logits.sum().backward()
    assert images.grad.abs().sum() > 0


def test_nothing_with_a_name_lies_on_the_disk(networks: list[Conv4Network], tmp_path: Path) -> None:
    cache = NetworkCache(0, tmp_path)
    for network in networks:
        cache.keep(network)
    assert not list(tmp_path.iterdir())


def test_what_a_pool_says_of_its_models_fetches_none(
    make_teacher: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = NetworkCache(0, tmp_path)
    pool = Pool(tuple(make_teacher(name).cached_in(cache) for name in "ab"))
    monkeypatch.setattr(cache, "fetch", None)
    assert (pool.image_size, pool.channels, len(pool.class_names)) == (16, 3, 3)
    assert pool.part([1, 0]).with_enough_classes(3).to(torch.device("cpu"))
