"""A model that gives no finite numbers is found, and no other is blamed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metalearn.algorithm import train
from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.pool import Pool, Teacher
from metalearn.pool.watch import Watch
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")
LINEAR_ALGEBRA: type[RuntimeError] = torch.linalg.LinAlgError  # type: ignore[attr-defined]
IMAGES = torch.full((2, 3, 4, 4), 0.5)
TINY = {"n_way": 3, "outer_steps": 2}
SETTINGS = {
    "free": {**TINY, "warm_up_steps": 1, "replay_steps": 1, "precision": "fp32"},
    "free_plus": {**TINY, "warm_up_steps": 1, "replay_steps": 1, "precision": "fp32"},
    "purer": {**TINY, "precision": "fp32"},
    "chorus": {**TINY, "precision": "fp32", "pictures_per_step": 32, "updates_per_step": 2},
    "best_teacher": {},
}


def spoil(teacher: Teacher) -> None:
    """Make a model answer with numbers that are not finite, as crafted weights can."""
    teacher.network.output_layer.bias.data.fill_(float("inf"))
    for parameter in list(teacher.network.parameters())[:1]:
        parameter.data.fill_(float("nan"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_answer_that_is_not_finite_is_remembered(value: float) -> None:
    watch = Watch()
    watch.see(IMAGES, torch.zeros(2, 5))
    assert not watch.failed
    watch.see(IMAGES, torch.tensor([[0.0, value]]))
    watch.see(IMAGES, torch.zeros(2, 5))
    assert watch.failed


def test_images_that_are_not_finite_are_not_the_models_fault() -> None:
    watch = Watch()
    watch.see(IMAGES * float("nan"), torch.full((2, 5), float("nan")))
    assert not watch.failed


def test_a_gradient_that_is_not_finite_is_remembered() -> None:
    def roots(images: Tensor) -> Tensor:
        return images.sqrt().sum()

    images = torch.zeros(1, 3, 2, 2, requires_grad=True)
    watch, answer = Watch(), roots(images)
    watch.see(images, answer)
    assert not watch.failed
    answer.backward()  # the root has an infinite slope at 0
    assert watch.failed


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_algorithm_that_asks_models_names_the_bad_one(tiny_pool: Pool, name: str) -> None:
    spoil(tiny_pool.teachers[1])
    with pytest.raises(InvalidPool, match="“b” gave outputs or gradients that are not finite"):
        for _ in train(make_algorithm(name, tiny_pool, SETTINGS[name], device=CPU, seed=0)):
            pass


@pytest.mark.parametrize("error", [OverflowError("too large"), LINEAR_ALGEBRA("singular")])
def test_an_overflow_without_a_bad_model_is_told_as_a_run_that_diverged(
    tiny_pool: Pool, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run = make_algorithm("free", tiny_pool, SETTINGS["free"], device=CPU, seed=0)

    def broken() -> None:
        raise error

    monkeypatch.setattr(run, "step", broken)
    with pytest.raises(InvalidSetting, match=f"diverged at step 1 .{error}.*lower learning rates"):
        next(train(run))


def test_other_faults_are_passed_on(tiny_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_algorithm("free", tiny_pool, SETTINGS["free"], device=CPU, seed=0)
    broken: Callable[[], None] = lambda: (_ for _ in ()).throw(KeyError("a bug"))  # noqa: E731
    monkeypatch.setattr(run, "step", broken)
    with pytest.raises(KeyError):
        next(train(run))
