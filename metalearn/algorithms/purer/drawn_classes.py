from dataclasses import dataclass

import torch

from metalearn.pool import Pool, Teacher
from metalearn.recovery.inversion import TeacherTask

_AT_ONCE = 2
"""A single class gives a model nothing to distinguish."""


@dataclass(frozen=True)
class DrawnClasses:
    """Sorted names of the classes, and the outputs of each teacher that are among them."""

    names: tuple[str, ...]
    of_teacher: tuple[tuple[int, ...], ...]

    @property
    def places(self) -> list[int]:
        """Indices of the teachers that know at least two of the classes."""
        return [place for place, known in enumerate(self.of_teacher) if len(known) >= _AT_ONCE]


def draw_classes(pool: Pool, most: int, *, merge: bool, rng: torch.Generator) -> DrawnClasses:
    """Return all classes of a pool, or `most` of them, drawn in pairs from each model in turn."""
    named = [_names(teacher, merge=merge) for teacher in pool.teachers]
    names = {name for row in named for name in row}
    if len(names) > most:
        names = _in_turn(named, most, rng)
    known = (tuple(i for i, name in enumerate(row) if name in names) for row in named)
    return DrawnClasses(tuple(sorted(names)), tuple(known))


def _in_turn(named: list[tuple[str, ...]], most: int, rng: torch.Generator) -> set[str]:
    left = []
    for place in torch.randperm(len(named), generator=rng).tolist():
        order = torch.randperm(len(named[place]), generator=rng).tolist()
        left.append([named[place][index] for index in order])
    drawn: set[str] = set()
    while len(drawn) < most:
        for names in left:
            new = [name for name in names if name not in drawn][:_AT_ONCE]
            drawn.update(new[: most - len(drawn)])
    return drawn


def _names(teacher: Teacher, *, merge: bool) -> tuple[str, ...]:
    return TeacherTask(teacher, tuple(range(teacher.n_classes))).memory_names(merge=merge)
