"""The teacher that tells textures apart best is found without data."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.learning.teacher_choice import best_by_textures, few_shot_accuracy
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool


def test_few_shot_accuracy_is_that_of_the_nearest_class_mean(
    make_teacher: Callable[..., Any],
) -> None:
    teacher = make_teacher()
    rng = torch.Generator().manual_seed(0)
    support, query = (
        torch.rand(4, 3, 16, 16, generator=rng),
        torch.rand(6, 3, 16, 16, generator=rng),
    )
    labels, truth = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1, 0, 1])
    hits = 0
    embed = [teacher.network.embed((images - 0.5) / 0.25) for images in (support, query)]
    unit = [features / features.norm(dim=1, keepdim=True) for features in embed]
    for row, label in zip(unit[1], truth, strict=True):
        near = [(row - unit[0][labels == c].mean(0)).norm() for c in (0, 1)]
        hits += int((near[1] < near[0]) == bool(label))
    found = few_shot_accuracy(teacher, Episode(support, labels, query, truth))
    assert found == pytest.approx(hits / 6)


def test_a_teacher_whose_features_say_nothing_is_not_chosen(
    make_teacher: Callable[..., Any],
) -> None:
    teachers = [make_teacher(name) for name in "abc"]
    for place in (0, 2):
        with torch.no_grad():
            for parameter in teachers[place].network.parameters():
                parameter.zero_()
    assert best_by_textures(Pool(tuple(teachers)), torch.Generator().manual_seed(0)) == 1
