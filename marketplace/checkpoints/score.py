"""The result of a check with pictures, and whether it casts doubt on the model."""

import math
from dataclasses import dataclass

_BY_CHANCE = 0.05
_WHAT_TO_CHECK = (
    "Check its architecture, input size, mean and standard deviation, and whether the class names "
    "are in the order of its outputs."
)


@dataclass(frozen=True)
class Score:
    """The number of correct predictions, and of classes to choose from."""

    right: int
    pictures: int
    classes: int

    def __str__(self) -> str:
        return f"{self.right} of {self.pictures} {_pictures(self.pictures)} right"

    @property
    def is_doubtful(self) -> bool:
        """Whether fewer than half were right."""
        return 2 * self.right < self.pictures

    @property
    def could_be_chance(self) -> bool:
        """Whether guessing does as well in more than one of twenty cases."""
        return _at_least(self.right, self.pictures, 1 / max(1, self.classes)) > _BY_CHANCE

    @property
    def advice(self) -> str:
        """Advice if the model does badly, otherwise empty."""
        if not self.is_doubtful:
            return ""
        if self.could_be_chance:
            return f"That is no better than guessing. {_WHAT_TO_CHECK}"
        return f"That is fewer than half. If it should do better: {_lowered(_WHAT_TO_CHECK)}"


def _at_least(right: int, pictures: int, chance: float) -> float:
    """Return the probability of at least so many hits by guessing."""
    return sum(
        math.comb(pictures, n) * chance**n * (1 - chance) ** (pictures - n)
        for n in range(right, pictures + 1)
    )


def _pictures(count: int) -> str:
    return "picture" if count == 1 else "pictures"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
