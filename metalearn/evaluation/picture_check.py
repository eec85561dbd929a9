"""Accuracy of a classifier on a few labelled images, to check how its file was interpreted.

No tensor reveals whether size, normalisation and class order match training; a few images do.
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
"""With fewer classes, five guesses are right too often to be informative."""
_AT_A_TIME = 16
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True)
class Judged:
    """A classifier's prediction for one image. Classes are output indices."""

    label: int
    predicted: int
    probability: float
    """Probability of the predicted class."""
    in_top: bool
    """Whether the label is among the five most probable classes."""

    @property
    def right(self) -> bool:
        return self.predicted == self.label


def judge(
    teacher: Teacher, pictures: Iterable[tuple[int, Pixels]], device: torch.device
) -> Iterator[Judged]:
    """Yield predictions for (label, image) pairs, in order and in small batches."""
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
    """Return how many labels are among the top five classes, or None with too few classes."""
    return None if n_classes < TOP_FROM_CLASSES else sum(one.in_top for one in judged)


def class_called(name: str, class_names: Sequence[str]) -> int | None:
    """Return the class of this name, ignoring case and the difference between spaces, `-` and `_`.

    Returns None if there is no such class, or if an inexact name is ambiguous.
    """
    if name in class_names:
        return class_names.index(name)
    plain = _plain(name)
    alike = [number for number, one in enumerate(class_names) if _plain(one) == plain]
    return alike[0] if len(alike) == 1 else None


def _plain(name: str) -> str:
    return _BETWEEN_WORDS.sub(" ", name.casefold()).strip()
