"""BELL's steps against the same steps taken by plain gradient descent, written out here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from metalearn.algorithms.free_plus import FreePlus, own_head_distiller
from metalearn.algorithms.free_plus.own_head_distiller import TeacherBatch
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask, TeacherTask
from metalearn.registry import make_algorithm
from tests.metalearn.by_hand import conv4_features, conv4_logits, divergence, tensors_of

SMALL = {
    "n_way": 3,
    "images_per_class": 4,
    "teachers_per_step": 2,
    "generator_width": 8,
    "latent_dim": 8,
    "learner_width": 4,
    "k_shot": 1,
    "n_query": 2,
    "replay_alignments": 2,
    "alignment_lr": 0.1,
    "alignment_steps": 2,
    "alignment_weight": 1.5,
    "distillation_temperature": 2.0,
    "augmentation": 0.0,
    "precision": "fp32",
}
LABELS = torch.arange(3).repeat(4)
OUTER = 0.05
"""The learner's own rate in these tests: plain descent, so that a step shows its whole gradient."""
Loss = Callable[[Mapping[str, Tensor]], Tensor]


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    return Pool((make_teacher("a"), make_teacher("b", class_names=("owl", "fox", "cat", "bee"))))


@pytest.fixture
def make(pool: Pool) -> Callable[..., FreePlus]:
    def make_(**settings: Any) -> FreePlus:
        run = make_algorithm(
            "free_plus", pool, SMALL | settings, device=torch.device("cpu"), seed=0
        )
        assert isinstance(run, FreePlus)
        plain = torch.optim.SGD(run.trained.parameters(), lr=OUTER)
        run.learner_optimisers.by_name = {"plain": plain}
        return run

    return make_


@pytest.fixture
def recovered(pool: Pool) -> list[RecoveredTask]:
    rng = torch.Generator().manual_seed(0)
    drawn = [(pool.teachers[0], (2, 0, 1)), (pool.teachers[1], (3, 1, 0))]
    return [
        RecoveredTask(
            TeacherTask(teacher, classes),
            torch.rand(12, 3, 16, 16, generator=rng),
            LABELS,
            {},
            0.0,
        )
        for teacher, classes in drawn
    ]


def prepared(images: Tensor) -> Tensor:
    return (images.double() - 0.5) / 0.25


def said_by(task: RecoveredTask) -> Tensor:
    """The teacher's logits over all its classes."""
    tensors = tensors_of(task.task.teacher.network)
    return conv4_logits(tensors, prepared(task.images), batch_statistics=False)


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    start = f"{name}."
    return {
        key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)
    }


def tempered(teacher: Tensor, student: Tensor) -> Tensor:
    return 4 * divergence(teacher / 2, student / 2).mean()


def by_one_head(task: RecoveredTask) -> Loss:
    teacher = said_by(task)[:, list(task.task.classes)]

    def loss(trained: Mapping[str, Tensor]) -> Tensor:
        ready = prepared(task.images)
        return tempered(
            teacher, conv4_logits(part(trained, "network"), ready, batch_statistics=True)
        )

    return loss


def by_heads_of_their_own(images: Tensor, said: Sequence[tuple[slice, Tensor]]) -> Loss:
    """`said`: rows of all teachers' heads, and the logits that these are to give."""

    def loss(trained: Mapping[str, Tensor]) -> Tensor:
        ready = prepared(images)
        features, _ = conv4_features(part(trained, "network"), ready, batch_statistics=True)
        everything = features @ trained["heads.weight"].T + trained["heads.bias"]
        return torch.stack([tempered(logits, everything[:, rows]) for rows, logits in said]).mean(0)

    return loss


ROWS = (slice(0, 3), slice(3, 7))
"""Of teachers a and b among all teachers' heads."""


def stepped(start: dict[str, Tensor], losses: Sequence[Loss]) -> tuple[dict[str, Tensor], float]:
    """After one alignment: two steps down each loss in turn, then the learner follows.

    Also the mean loss met on the way.
    """
    names = [name for name in start if "running" not in name and "tracked" not in name]
    theta = dict(start)
    met = []
    for loss_of in losses:
        for _ in range(2):
            theta |= {name: theta[name].detach().requires_grad_() for name in names}
            loss = loss_of(theta)
            loss.backward()
            met.append(loss.item())
            for name in names:
                slope = theta[name].grad
                if slope is not None:
                    theta[name] = theta[name].detach() - 0.1 * slope
    after = dict(start)
    for name in names:
        direction = (start[name] - theta[name].detach()) / (0.1 * 2 * len(losses))
        after[name] = start[name] - OUTER * 1.5 * direction
    return after, sum(met) / len(met)


def assert_moved_alike(run: FreePlus, start: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    found = {name: weight.detach().double() for name, weight in run.trained.named_parameters()}
    assert len(found) > 10
    for name, weight in found.items():
        way = wanted[name] - start[name]
        assert torch.allclose(weight - start[name], way, rtol=0.01, atol=2e-5), name
    kernel = "network.blocks.0.conv.weight"
    assert (wanted[kernel] - start[kernel]).abs().max() > 1e-3


@pytest.mark.parametrize("head", ["shared", "own"])
def test_an_alignment_follows_a_clone_that_descends_teacher_after_teacher(
    make: Callable[..., FreePlus], recovered: list[RecoveredTask], head: str
) -> None:
    run = make(distillation_head=head)
    start = tensors_of(run.trained)
    if head == "shared":
        losses = [by_one_head(task) for task in recovered]
    else:
        losses = [
            by_heads_of_their_own(task.images, [(rows, said_by(task))])
            for task, rows in zip(recovered, ROWS, strict=True)
        ]
    wanted, mean_loss = stepped(start, losses)
    assert run.align(recovered) == pytest.approx(mean_loss, rel=1e-4)
    assert_moved_alike(run, start, wanted)


def test_realigning_repeats_it_on_lessons_drawn_each_time_from_where_the_last_one_led(
    make: Callable[..., FreePlus], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Which images and teachers are drawn is another test's: here both alignments are given.
    rng = torch.Generator().manual_seed(3)
    batches, by_hand = [], []
    for places in ((0, 1), (1,), (1, 0), (0,)):
        images = torch.rand(10, 3, 16, 16, generator=rng)
        said = [torch.randn(10, pool.teachers[place].n_classes, generator=rng) for place in places]
        batches.append(TeacherBatch(images, places, tuple(said)))
        rows = [ROWS[place] for place in places]
        by_hand.append(by_heads_of_their_own(images, list(zip(rows, said, strict=True))))
    left = iter(batches)
    monkeypatch.setattr(own_head_distiller, "remembered_batch", lambda *_, **__: next(left))
    run = make(distillation_head="own")
    start = tensors_of(run.trained)
    between, first = stepped(start, by_hand[:2])
    wanted, second = stepped(between, by_hand[2:])
    metrics = run.realign()
    assert metrics == {"replayed_distillation": pytest.approx((first + second) / 2, rel=1e-4)}
    assert_moved_alike(run, start, wanted)
    assert next(left, None) is None


def test_remembered_images_are_put_to_teachers_who_know_their_classes(
    make: Callable[..., FreePlus], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With one shared head; the memory holds plain colours, which eight bits keep as they are.
    run = make(distillation_head="shared", replay_alignments=1)
    colours = {"cat": 0.0, "dog": 0.2, "owl": 0.4, "fox": 0.6, "bee": 1.0}
    for name, value in colours.items():
        texture = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(len(name)))
        images = (0.5 * value + 0.5 * texture).mul(255).round() / 255
        run.memory.add(images, torch.zeros(4, dtype=torch.long), [name])
    seen: list[Any] = []
    follow = run.distiller.losses

    def watched(tasks: list[Any]) -> Any:
        seen.extend(tasks)
        return follow(tasks)

    monkeypatch.setattr(run.distiller, "losses", watched)
    start = tensors_of(run.trained)
    metrics = run.realign()
    assert len(seen) == 2
    held = dict(zip(colours, run.memory.images_by_class(), strict=True))
    for task in seen:
        for image, label in zip(task.images, task.labels, strict=True):
            own = held[task.task.class_names[int(label)]].float() / 255
            assert (own - image).flatten(1).abs().amax(1).min() < 1e-6
    wanted, mean_loss = stepped(start, [by_one_head(task) for task in seen])
    assert metrics == {"replayed_distillation": pytest.approx(mean_loss, rel=1e-4)}
    assert_moved_alike(run, start, wanted)


def gradients_of(run: FreePlus) -> Tensor:
    return torch.cat([weight.grad.flatten() for weight in run.trained.parameters()])


def test_the_alignments_weight_scales_the_way_that_the_learner_follows(
    make: Callable[..., FreePlus], recovered: list[RecoveredTask]
) -> None:
    found = {}
    for weight in (0.0, 1.0, 3.0):
        run = make(alignment_weight=weight)
        loss = run.align(recovered)
        found[weight] = loss, gradients_of(run)
    (_, none), (loss, once), (same, thrice) = found.values()
    assert once.abs().max() > 1e-3
    assert torch.equal(none, torch.zeros_like(once))
    assert torch.allclose(thrice, 3 * once)
    # What the clone meets on its own way does not depend on it.
    assert same == pytest.approx(loss, rel=1e-6)


def test_the_alignments_weight_leaves_the_replay_alone(make: Callable[..., FreePlus]) -> None:
    found = []
    for weight in (1.0, 3.0):
        run = make(alignment_weight=weight)
        for name in ("cat", "dog", "owl", "fox"):
            rng = torch.Generator().manual_seed(ord(name[0]))
            images = torch.rand(4, 3, 16, 16, generator=rng)
            run.memory.add(images, torch.zeros(4, dtype=torch.long), [name])
        run.rng.manual_seed(1)
        run.replay()
        found.append(
            torch.cat([weight.grad.flatten() for weight in run.learner.blocks.parameters()])
        )
    assert torch.equal(*found)
    assert found[0].abs().max() > 1e-4
