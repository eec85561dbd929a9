"""The choice follows its rule, and what is chosen is handed out unchanged."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.algorithm import train
from metalearn.algorithms.best_teacher import BestTeacher
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool
from metalearn.pool.pool import Teacher
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")


def make(pool: Pool, **settings: Any) -> BestTeacher:
    run = make_algorithm("best_teacher", pool, {"tasks": 3} | settings, device=CPU, seed=0)
    assert isinstance(run, BestTeacher)
    return run


def chosen(pool: Pool, **settings: Any) -> str:
    run = make(pool, **settings)
    list(train(run))
    (one,) = [record for record in run.meta_learner().teachers if record.copied]
    return one.name


def blind(teacher: Teacher) -> Teacher:
    """Its features say nothing: the last block's output does not depend on the picture."""
    with torch.no_grad():
        teacher.network.blocks[3].norm.weight.zero_()
        teacher.network.blocks[3].norm.bias.fill_(1.0)
    return teacher


def test_the_simple_rules_count_classes_or_take_the_first(tiny_pool: Pool) -> None:
    assert chosen(tiny_pool, rule="most_classes") == "b"
    assert chosen(tiny_pool, rule="first") == "a"


def test_of_equals_the_first_is_taken(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("x"), make_teacher("y"), make_teacher("z")))
    assert chosen(pool, rule="most_classes") == "x"


def test_textures_reject_a_teacher_that_sees_nothing(make_teacher: Callable[..., Any]) -> None:
    for place in range(2):
        teachers = [make_teacher("good", width=8), make_teacher("other", width=8)]
        teachers.insert(place, blind(make_teacher("blind")))
        assert chosen(Pool(tuple(teachers)), tasks=5) != "blind"


def test_the_learner_is_the_teacher_with_its_own_normalisation_and_prototypes(
    tiny_pool: Pool,
) -> None:
    run = make(tiny_pool, rule="most_classes")
    list(train(run))
    learner, teacher = run.meta_learner(), tiny_pool.teachers[1]
    assert (learner.mean, learner.std) == (teacher.mean, teacher.std)
    assert learner.defaults.head == "prototypes"
    ours, theirs = learner.network.state_dict(), teacher.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_every_teacher_gets_its_score_on_the_same_tasks(
    tiny_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def half(_: Teacher, episode: Episode) -> float:
        seen.append(episode.query_images)
        return 0.5

    monkeypatch.setattr("metalearn.algorithms.best_teacher.few_shot_accuracy", half)
    reports = list(train(make(tiny_pool)))
    assert len(reports) == 3
    for one, two in itertools.pairwise((seen[:3], seen[3:6], seen[6:])):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
