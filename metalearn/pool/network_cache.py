"""A cache of frozen networks that keeps the most recently used in memory and the others on disk.

A pool of a hundred 100 MB models is 10 GB, of which a step uses a few. An evicted network is
written once to an unnamed temporary file, which disappears with the process however it ends.
"""

import copy
import errno
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path

import torch
from torch import Tensor, nn

from metalearn.networks import Network, NetworkSpec

POOL_MB = 1_024


class NetworkCache:
    """A cache of networks: at most `max_bytes` in memory, and always the most recently used.

    An evicted network remains usable by code that has a reference to it, but keeps its memory until
    then. `folder` is where the file is created; None means the system's temporary folder.
    """

    def __init__(self, max_bytes: int, folder: Path | None = None) -> None:
        self.max_bytes = max_bytes
        self._folder = folder
        self._file: BufferedRandom | None = None
        self._loaded: OrderedDict[CachedNetwork, Network] = OrderedDict()
        self._device = torch.device("cpu")

    @property
    def n_loaded(self) -> int:
        return len(self._loaded)

    def keep(self, network: Network) -> "CachedNetwork":
        """Add a network. It must not change afterwards."""
        cached = CachedNetwork(self, network.spec, network_bytes(network))
        self._use(cached, network.to(self._device))
        return cached

    def fetch(self, cached: "CachedNetwork") -> Network:
        network = self._loaded.get(cached)
        if network is None:
            network = self._read(cached).to(self._device)
        self._use(cached, network)
        return network

    def to(self, device: torch.device) -> None:
        if device != self._device:
            self._device = device
            for network in self._loaded.values():
                network.to(device)

    def _use(self, cached: "CachedNetwork", network: Network) -> None:
        self._loaded[cached] = network
        self._loaded.move_to_end(cached)
        while len(self._loaded) > 1 and self._n_bytes > self.max_bytes:
            oldest, given_up = self._loaded.popitem(last=False)
            self._write(oldest, given_up)

    @property
    def _n_bytes(self) -> int:
        return sum(cached.n_bytes for cached in self._loaded)

    def _write(self, cached: "CachedNetwork", network: Network) -> None:
        if cached.written is not None:
            return
        if self._file is None:
            self._file = _nameless_file(self._folder)
        start = self._file.seek(0, 2)
        layouts = {}
        for name, tensor in _tensors(network).items():
            # Contiguous, but with its dimensions in the same order in memory.
            dense = torch.empty_like(tensor, device="cpu").copy_(tensor)
            layouts[name] = _Layout(dense.shape, dense.stride(), dense.dtype)
            self._file.write(_bytes_in_order(dense))
        cached.written = _Written(start, _skeleton(network), layouts)

    def _read(self, cached: "CachedNetwork") -> Network:
        written = cached.written
        assert written is not None and self._file is not None, "an evicted network is in the file"
        self._file.seek(written.start)
        tensors = {name: _read_tensor(self._file, one) for name, one in written.layouts.items()}
        return _with_tensors(written.skeleton, tensors)


class CachedNetwork:
    def __init__(self, cache: NetworkCache, spec: NetworkSpec, n_bytes: int) -> None:
        self.spec = spec
        self.n_bytes = n_bytes
        self.written: _Written | None = None
        self.cache = cache

    def network(self) -> Network:
        return self.cache.fetch(self)

    def to(self, device: torch.device) -> None:
        """Move it, and all other networks of its cache, to this device."""
        self.cache.to(device)


@dataclass(frozen=True)
class _Layout:
    """A tensor's memory layout, which affects the last bits of results computed from it."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class _Written:
    """Position of a network's tensors in the file, and the network without them."""

    start: int
    skeleton: Network
    layouts: dict[str, _Layout]


def _nameless_file(folder: Path | None) -> BufferedRandom:
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as its cache
    assert isinstance(file, BufferedRandom), "a machine on which temporary files have no name"
    return file


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers, including non-persistent ones."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def network_bytes(network: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in _tensors(network).values())


def _skeleton(network: Network) -> Network:
    return _with_tensors(network, {n: t.to("meta") for n, t in _tensors(network).items()})


def _with_tensors(network: Network, tensors: dict[str, Tensor]) -> Network:
    memo: dict[int, object] = {}
    for name, own in _tensors(network).items():
        is_parameter = isinstance(own, nn.Parameter)
        memo[id(own)] = nn.Parameter(tensors[name], False) if is_parameter else tensors[name]
    return copy.deepcopy(network, memo)


def _bytes_in_order(dense: Tensor) -> memoryview:
    """Return a writable view of a tensor's bytes in memory order."""
    flat = dense.as_strided((dense.numel(),), (1,))
    return flat.view(torch.uint8).numpy().data


def _read_tensor(file: BufferedRandom, layout: _Layout) -> Tensor:
    dense = torch.empty_strided(layout.shape, layout.stride, dtype=layout.dtype)
    place = _bytes_in_order(dense)
    if file.readinto(place) != len(place):
        raise OSError(errno.EIO, "the file of the pool's networks is shorter than it was")
    return dense
