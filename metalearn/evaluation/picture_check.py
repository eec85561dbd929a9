"""How many labelled pictures a classifier gets right, as it is read: the test of its reading.

No tensor tells whether size, normalisation and the order of the classes are those of training;
a few pictures do.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from metalearn.datasets import Pixels
from metalearn.pool import Teacher

TOP = 5
TOP_FROM_CLASSES = 11
"""With fewer classes, five guesses are right too often to tell anything."""
_AT_A_TIME = 16
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True)
class Judged:
    """What a classifier says of one picture. Classes are numbers of its outputs."""

    label: int
    predicted: int
    probability: float
    """Of the predicted class."""
    in_top: bool
    """Whether the label is among the five most probable classes."""

    @property
    def right(self) -> bool:
        """Whether the most probable class is the label."""
        return self.predicted == self.label


def judge(
    teacher: Teacher, pictures: Iterable[tuple[int, Pixels]], device: torch.device
) -> Iterator[Judged]:
    """What the teacher says of each (label, picture), in order; a few are in memory at a time."""
    teacher.network.to(device)
    left = iter(pictures)
    while some := list(islice(left, _AT_A_TIME)):
        images = torch.stack([picture for _, picture in some]).to(device).float() / 255
        with torch.inference_mode():
            probabilities = teacher.logits(images).float().softmax(1).cpu()
        best = probabilities.topk(min(TOP, teacher.n_classes))
        for (label, _), values, classes in zip(some, best.values, best.indices, strict=True):
            named = classes.tolist()
            yield Judged(label, named[0], float(values[0]), label in named)


def n_in_top(judged: Sequence[Judged], n_classes: int) -> int | None:
    """How many labels are among the five most probable classes; None where that tells nothing."""
    return None if n_classes < TOP_FROM_CLASSES else sum(one.in_top for one in judged)


def class_called(name: str, class_names: Sequence[str]) -> int | None:
    """The class of this name; one that differs in capitals, spaces, `-` or `_` only will do.

    None where there is none, or where several would do.
    """
    if name in class_names:
        return class_names.index(name)
    plain = _plain(name)
    alike = [number for number, one in enumerate(class_names) if _plain(one) == plain]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return _BETWEEN_WORDS.sub(" ", name.casefold()).strip()
