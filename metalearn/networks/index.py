"""The shipped index of names and shapes of timm's and torchvision's classifiers.

A lookup takes milliseconds and imports no library. The hash of a set of names is the sum of the
names' hashes, so groups of tensors can be subtracted without rehashing.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from metalearn.networks.libraries import LibraryFacts

INDEX_FILE = Path(__file__).with_name("index.json")
MODULUS = 2**64


@dataclass(frozen=True)
class Indexed:
    facts: LibraryFacts
    shapes: str
    """Hash of the shapes of all tensors except the loose ones and the head."""
    function: int
    """Equal for architectures that compute the same from the same tensors."""


@dataclass(frozen=True)
class Index:
    by_name: Mapping[str, Indexed]
    by_names_hash: Mapping[int, tuple[Indexed, ...]]
    several_heads: tuple[tuple[str, ...], ...]
    """The groups of names that the heads of an architecture with several have."""


@cache
def the_index() -> Index:
    written = json.loads(INDEX_FILE.read_text())
    by_name: dict[str, Indexed] = {}
    by_hash: dict[int, list[Indexed]] = defaultdict(list)
    for row in written["architectures"]:
        values = dict(zip(written["columns"], row, strict=True))
        entry = _entry(values, written["not_linear"].get(values["name"]))
        by_name[entry.facts.name] = entry
        # transformers' files use other names than its networks, and have a configuration beside
        # them.
        if not entry.facts.name.startswith("transformers/"):
            by_hash[int(values["names"], 16)].append(entry)
    several = {e.facts.heads for e in by_name.values() if len(e.facts.heads) > 1}
    return Index(
        by_name, {key: tuple(entries) for key, entries in by_hash.items()}, tuple(sorted(several))
    )


def _entry(values: dict[str, Any], beside_head: list[str] | None) -> Indexed:
    facts = LibraryFacts(
        name=values["name"],
        heads=tuple(values["heads"]),
        feature_dim=values["features"],
        image_size=values["size"],
        fixed_size=values["sized"],
        n_parameters=values["parameters"],
        mean=tuple(values["mean"]),
        std=tuple(values["std"]),
        loose=tuple(values["loose"]),
        linear=beside_head is None,
        beside_head=tuple(beside_head or ()),
    )
    return Indexed(facts, values["shapes"], values["function"])


def is_counter(name: str) -> bool:
    """Return whether the tensor only counts batches, so that files may lack it."""
    return name.endswith("num_batches_tracked")


def hash_of_names(names: Iterable[str]) -> str:
    """Return the sum of the names' hashes in hexadecimal."""
    return f"{sum_of_hashes(names):016x}"


def sum_of_hashes(names: Iterable[str]) -> int:
    """Return the sum as a number below 2**64, which can be added and subtracted."""
    return sum(map(name_hash, names)) % MODULUS


def hash_of_shapes(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return hash_of_names(f"{name} {list(shape)}" for name, shape in shapes.items())


@lru_cache(maxsize=100_000)
def name_hash(name: str) -> int:
    """Return the first 64 bits of the name's SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
