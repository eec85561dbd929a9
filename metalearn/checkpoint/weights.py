"""A complete set of named tensors in a file, described up front and read on request."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint

Kind = Literal["raw", "ema"]
Read = Callable[[Sequence[str]], dict[str, Tensor]]
"""Reads tensors by their names in the file."""
Make = Callable[[list[Tensor]], Tensor]


@dataclass(frozen=True)
class Part:
    """A tensor as the file describes it, or one that `make` computes from the tensors `keys`."""

    key: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    keys: tuple[str, ...] = ()
    make: Make | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        return self.keys or (self.key,)


class Weights:
    """A network's raw weights ("raw") or their moving average ("ema").

    `where` is the place in the file, such as "state_dict"; "" is the whole file. Only unambiguous
    wrapper prefixes are removed from names. Use it while the file is open.
    """

    def __init__(self, kind: Kind, where: str, parts: Mapping[str, Part], read: Read) -> None:
        self.kind: Kind = kind
        self.where = where
        self.shapes: Mapping[str, tuple[int, ...]] = {n: p.shape for n, p in parts.items()}
        self._parts = parts
        self._read = read

    def read(self, names: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Read only these tensors, or all. Raises InvalidCheckpoint for damaged bytes."""
        wanted = list(self._parts if names is None else names)
        missing = next((name for name in wanted if name not in self._parts), None)
        if missing is not None:
            raise InvalidCheckpoint(f"The file has no tensor “{shown(missing)}”; choose others.")
        needed = dict.fromkeys(key for name in wanted for key in self._parts[name].needs)
        found = self._read(list(needed))
        return {name: _made(self._parts[name], found) for name in wanted}


def _made(part: Part, found: Mapping[str, Tensor]) -> Tensor:
    tensors = [found[key] for key in part.needs]
    return part.make(tensors) if part.make else tensors[0]
