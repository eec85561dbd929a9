"""Recovering one teacher's images, and the first-order meta-gradient against one done by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metalearn.networks.generator import Generator
from metalearn.pool import Pool
from metalearn.pool.pool import Teacher
from metalearn.recovery import inversion
from metalearn.recovery.inversion import (
    Fit,
    InversionSettings,
    TeacherTask,
    about_statistics,
    recover,
)
from tests.metalearn.by_hand import conv4_features, divergence, randomise_norms, tensors_of

SETTINGS = InversionSettings(
    steps=4,
    generator_lr=1e-2,
    latent_lr=1e-2,
    class_weight=1.0,
    batchnorm_weight=0.5,
    adversarial_weight=1.0,
    max_shift=0,
    precision="fp32",
)


class LinearGenerator(Generator):
    """Small enough to differentiate by hand: a linear map, reshaped to an image."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.full((5, 3 * 16 * 16), 0.01))

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        return (latents @ self.weight).view(-1, 3, 16, 16)


def with_(settings: InversionSettings, **changes: Any) -> InversionSettings:
    return InversionSettings(**{**vars(settings), **changes})


@pytest.fixture
def task(make_teacher: Callable[..., Any]) -> TeacherTask:
    return TeacherTask(make_teacher(), (2, 0))


@pytest.fixture
def latents() -> Tensor:
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(0))


LABELS = torch.tensor([0, 1, 0, 1, 0, 1])


def run(
    task: TeacherTask,
    latents: Tensor,
    generator: Generator | LinearGenerator | None = None,
    settings: InversionSettings = SETTINGS,
    **more: Any,
) -> Fit:
    rng = torch.Generator().manual_seed(3)
    generator = generator or LinearGenerator()
    return recover(task, generator, latents, LABELS, settings=settings, rng=rng, **more)


def test_the_generator_learns_the_last_gradient_or_the_way_of_its_copy(
    task: TeacherTask, latents: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By hand, with plain SGD inside: step once, then differentiate there and nowhere else.
    def sgd(weights: list[Tensor], z: Tensor, settings: InversionSettings) -> Any:
        groups = [{"params": weights, "lr": 0.1}, {"params": [z], "lr": 0.2}]
        return torch.optim.SGD(groups)

    monkeypatch.setattr(inversion, "_inner_optimiser", sgd)
    # Mirroring is drawn from the generator: a fixed one leaves it out of the comparison.
    monkeypatch.setattr(inversion, "shift_and_flip", lambda images, **_: images)
    settings = with_(SETTINGS, steps=2, batchnorm_weight=0.0)
    gradients = run(task, latents, settings=settings).direction
    reptile = with_(settings, generator_update="reptile")
    movement = run(task, latents, settings=reptile).direction

    def loss(weight: Tensor, z: Tensor) -> Tensor:
        images = (z @ weight).view(-1, 3, 16, 16)
        logits = task.teacher.network((images - 0.5) / 0.25)[:, [2, 0]]
        return -logits.log_softmax(1)[range(6), LABELS].mean()

    weight = torch.full((5, 3 * 16 * 16), 0.01, requires_grad=True)
    z = latents.clone().requires_grad_()
    by_weight, by_z = torch.autograd.grad(loss(weight, z), [weight, z])
    later = (weight - 0.1 * by_weight).detach().requires_grad_()
    (expected,) = torch.autograd.grad(loss(later, z - 0.2 * by_z), later)
    assert torch.allclose(gradients[0], expected, atol=1e-7)
    assert torch.allclose(movement[0], 0.1 * by_weight, atol=1e-7)


def test_neither_generator_nor_teacher_nor_latents_change(
    task: TeacherTask, latents: Tensor
) -> None:
    generator = LinearGenerator()
    before = {name: value.clone() for name, value in task.teacher.network.state_dict().items()}
    given = latents.clone()
    run(task, given, generator)
    assert (generator.weight == 0.01).all()
    assert generator.weight.grad is None
    assert torch.equal(given, latents)
    after = task.teacher.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(("kept", "loss", "step"), [("last", 5.0, 3), ("best", 1.0, 1)])
def test_the_images_kept_are_those_of_the_last_pass_or_with_the_lowest_loss(
    task: TeacherTask,
    latents: Tensor,
    monkeypatch: pytest.MonkeyPatch,
    kept: str,
    loss: float,
    step: int,
) -> None:
    losses = iter([3.0, 1.0, 2.0, 5.0])
    shown = []

    def terms(
        task: TeacherTask, images: Tensor, labels: Tensor, **_: Any
    ) -> tuple[dict[str, Tensor], float]:
        shown.append(images.detach().clone())
        return {"recovery": images.sum() * 0 + next(losses)}, 0.0

    monkeypatch.setattr(inversion, "_loss_terms", terms)
    generator = LinearGenerator()
    # Something must move between the steps for the images to differ.
    monkeypatch.setattr(
        torch.optim.Adam,
        "step",
        lambda self: [p.data.add_(1) for p in self.param_groups[0]["params"]],
    )
    recovered, _ = run(task, latents, generator, with_(SETTINGS, kept_images=kept))
    assert recovered.losses == {"recovery": loss}
    assert torch.equal(recovered.images, shown[step])
    assert not any(torch.equal(shown[step], shown[other]) for other in range(4) if other != step)


def test_fitting_lowers_the_loss(task: TeacherTask) -> None:
    generator = Generator(latent_dim=5, width=8, channels=3, image_size=16, n_way=2)
    latents = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    first, *_ = run(task, latents, generator, with_(SETTINGS, steps=1))
    last, *_ = run(task, latents, generator, with_(SETTINGS, steps=8))
    assert sum(last.losses.values()) < sum(first.losses.values())


def test_the_adversarial_term_needs_a_student(task: TeacherTask, latents: Tensor) -> None:
    alone, *_ = run(task, latents)
    against, *_ = run(task, latents, student=lambda images, labels: task.logits(images) * 0.5)
    assert set(alone.losses) == {"recovery", "batchnorm"}
    assert against.losses["adversarial"] < 0


def test_the_released_adversarial_term_takes_the_place_of_the_equations(
    task: TeacherTask, latents: Tensor
) -> None:
    def student(images: Tensor, labels: Tensor) -> Tensor:
        return task.logits(images) * 0.5

    released = with_(SETTINGS, adversarial="as_released", steps=1)
    ours, *_ = run(task, latents, settings=with_(SETTINGS, steps=1), student=student)
    theirs, *_ = run(task, latents, settings=released, student=student)
    assert theirs.losses["recovery"] == pytest.approx(ours.losses["recovery"], rel=1e-6)
    # Both say the same class everywhere: minus the sum of s (log s - t), by the definition.
    shown = [task.logits(images).float() for images in (ours.images, ours.images.flip(-1))]
    found = []
    for teacher in shown:  # the one draw mirrors all pictures or none
        t, s = teacher.softmax(1), (teacher * 0.5).softmax(1)
        found.append(-(s * (s.log() - t)).sum(1).mean().item())
    assert any(theirs.losses["adversarial"] == pytest.approx(each, rel=1e-4) for each in found)
    assert theirs.losses["adversarial"] != pytest.approx(ours.losses["adversarial"], rel=0.1)


def without_batchnorm(teacher: Teacher) -> Teacher:
    for block in teacher.network.blocks:
        block.norm = nn.Identity()
    return teacher


def test_without_batchnorm_the_term_is_zero_and_it_is_said_of_how_many_models(
    make_teacher: Callable[..., Any],
) -> None:
    bare = without_batchnorm(make_teacher("b"))
    pool = Pool((make_teacher("a"), bare, make_teacher("c")))
    latents = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    recovered, gradients = run(TeacherTask(bare, (2, 0)), latents)
    assert recovered.losses["batchnorm"] == 0 and recovered.losses["recovery"] > 0
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    (said,) = about_statistics(pool)
    assert said.startswith("1 of 3 models has no batch-norm statistics")
    assert not about_statistics(pool.part([0, 2]))


def test_a_weight_of_zero_leaves_the_batchnorm_term_out(task: TeacherTask, latents: Tensor) -> None:
    recovered, _ = run(task, latents, settings=with_(SETTINGS, batchnorm_weight=0.0))
    assert set(recovered.losses) == {"recovery"}


def test_a_task_names_and_restricts_the_teachers_classes(
    task: TeacherTask, make_teacher: Callable[..., Any]
) -> None:
    images = torch.rand(2, 3, 16, 16)
    assert task.class_names == ("owl", "cat")
    assert torch.equal(task.logits(images), task.teacher.logits(images)[:, [2, 0]])
    drawn = TeacherTask.sample(make_teacher(), 2, torch.Generator().manual_seed(0))
    assert len(set(drawn.classes)) == 2


def test_images_of_another_size_are_resized_for_the_teacher(
    make_teacher: Callable[..., Any],
) -> None:
    large = TeacherTask(make_teacher("c", image_size=24), (0, 1))
    generator = Generator(latent_dim=5, width=8, channels=3, image_size=17, n_way=2)
    recovered, gradients = run(large, torch.randn(6, 5), generator)
    assert recovered.images.shape == (6, 3, 17, 17)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


class Pixels(Generator):
    """Its weights are its images, so that the last gradient is the loss's by the images."""

    def __init__(self, images: Tensor) -> None:
        nn.Module.__init__(self)
        self.images = nn.Parameter(images.clone())

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        return self.images + 0 * latents.sum()


def test_the_three_terms_and_their_gradient_are_those_of_the_equations(
    task: TeacherTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    randomise_norms(task.teacher.network)
    rng = torch.Generator().manual_seed(2)
    images = torch.rand(12, 3, 16, 16, generator=rng)
    labels = torch.arange(2).repeat(6)
    directions = 0.1 * torch.randn(3 * 16 * 16, 2, generator=rng)
    # Mirrored for certain: the student is to see what the teacher sees.
    monkeypatch.setattr(inversion, "shift_and_flip", lambda images, **_: images.flip(-1))
    weights = {"class_weight": 0.7, "batchnorm_weight": 0.3, "adversarial_weight": 2.0}
    fit = recover(
        task,
        Pixels(images),
        torch.zeros(12, 5),
        labels,
        settings=with_(SETTINGS, steps=1, **weights),
        rng=rng,
        student=lambda shown, labels: (shown - 0.5).flatten(1) @ directions,
    )

    given = images.double().requires_grad_()
    shown = given.flip(-1)
    tensors = tensors_of(task.teacher.network)
    features, met = conv4_features(tensors, (shown - 0.5) / 0.25, batch_statistics=False)
    teacher = (features @ tensors["head.weight"].T + tensors["head.bias"])[:, [2, 0]]
    student = (shown - 0.5).flatten(1) @ directions.double()
    right = teacher.exp()[range(12), labels] / teacher.exp().sum(1)
    apart = []
    for block, x in enumerate(met):
        name = f"blocks.{block}.norm.running"
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        apart.append((mean - tensors[f"{name}_mean"]).square().sum().sqrt())
        apart.append((var - tensors[f"{name}_var"]).square().sum().sqrt())
    agree = (teacher[:, 0] > teacher[:, 1]) == (student[:, 0] > student[:, 1])
    assert 3 <= agree.sum() <= 9
    expected: dict[str, Tensor] = {
        "recovery": -0.7 * right.log().sum() / 12,
        "batchnorm": 0.3 * torch.stack(apart).sum() / 4,
        "adversarial": -2.0 * divergence(teacher, student)[agree].sum() / 12,
    }
    assert fit.recovered.losses == {
        name: pytest.approx(term.item(), rel=1e-4) for name, term in expected.items()
    }
    (gradient,) = torch.autograd.grad(torch.stack(list(expected.values())).sum(), given)
    assert torch.allclose(fit.direction[0].double(), gradient, rtol=1e-3, atol=1e-6)
