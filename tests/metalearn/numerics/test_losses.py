"""Losses against values worked out by hand or by another formulation."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Categorical, kl_divergence

from metalearn.numerics.losses import (
    accuracy,
    adversarial_loss,
    class_loss,
    distillation_loss,
    divergences,
    released_adversarial_loss,
    released_distillation_loss,
)


def test_distillation_is_zero_with_zero_gradient_when_student_equals_teacher() -> None:
    teacher = torch.randn(7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    student = (teacher + 3.0).requires_grad_()  # the same distribution, other logits
    loss = distillation_loss(student, teacher)
    (gradient,) = torch.autograd.grad(loss, student)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert gradient.abs().max().item() < 1e-12


def test_distillation_moves_a_confidently_wrong_student_hard() -> None:
    # algorithms.md 8.1: the released loss without its logarithm gives -0.003 here.
    teacher = torch.tensor([[3.0, 0, 0, 0, 0]])
    student = torch.tensor([[0.0, 4, 0, 0, 0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(distillation_loss(student, teacher), student)
    p_teacher, p_student = teacher.softmax(1), student.detach().softmax(1)
    assert torch.allclose(gradient, p_student - p_teacher, atol=1e-6)
    assert gradient[0, 0] < -0.8
    assert gradient[0, 1] > 0.8


def test_the_released_distillation_is_torchs_divergence_of_what_is_no_logarithm() -> None:
    rng = torch.Generator().manual_seed(4)
    student, teacher = torch.randn(2, 6, 5, generator=rng)
    # As the released code calls it: probabilities where log-probabilities belong.
    expected = torch.nn.functional.kl_div(
        student.softmax(1), teacher.softmax(1), reduction="none"
    ).mean()
    assert released_distillation_loss(student, teacher).item() == pytest.approx(expected.item())


@pytest.mark.parametrize(
    ("logits", "first", "second"),
    [((3.0, 0, 0, 0, 0), -0.022, None), ((0.0, 4, 0, 0, 0), -0.003, 0.0025)],
)
def test_the_released_distillation_has_its_known_wrong_gradients(
    logits: tuple[float, ...], first: float, second: float | None
) -> None:
    # algorithms.md 8.1: not zero where both agree, nearly zero where the student is surely wrong.
    student = torch.tensor([logits], requires_grad=True)
    teacher = torch.tensor([[3.0, 0, 0, 0, 0]])
    (gradient,) = torch.autograd.grad(released_distillation_loss(student, teacher), student)
    assert gradient[0, 0].item() == pytest.approx(first, abs=5e-4)
    if second is not None:
        assert gradient[0, 1].item() == pytest.approx(second, abs=5e-4)


def test_divergence_agrees_with_torchs_own_distributions() -> None:
    rng = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 9, 4, generator=rng, dtype=torch.float64)
    reference = kl_divergence(Categorical(logits=teacher), Categorical(logits=student))
    assert torch.allclose(divergences(student, teacher), reference)


def test_temperature_softens_both_and_keeps_the_gradients_size() -> None:
    student, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    p = torch.tensor([[0.0, 0.5]]).softmax(1)
    q = torch.tensor([[0.25, 0.0]]).softmax(1)
    expected = 16 * (p * (p / q).log()).sum()
    assert distillation_loss(student, teacher, temperature=4.0).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_class_loss_is_minus_the_mean_log_probability() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0]])
    expected = -(math.log(0.75) + math.log(0.5)) / 2
    loss = class_loss(logits, torch.tensor([1, 0]))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_adversarial_loss_counts_only_images_on_which_both_agree() -> None:
    teacher = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    student = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    loss = adversarial_loss(student, teacher)
    alone = -divergences(student[:1], teacher[:1]).sum() / 2
    (gradient,) = torch.autograd.grad(loss, student)
    assert loss.item() == pytest.approx(alone.item(), rel=1e-6)
    assert loss.item() < 0
    assert gradient[1].abs().max() == 0


def test_the_released_adversarial_loss_is_torchs_divergence_without_the_teachers_logarithm() -> (
    None
):
    rng = torch.Generator().manual_seed(0)
    student = torch.randn(20, 3, generator=rng).requires_grad_()
    teacher = torch.randn(20, 3, generator=rng).requires_grad_()
    agree = student.argmax(1) == teacher.argmax(1)
    assert 0 < agree.sum() < 20
    entries = F.kl_div(teacher.softmax(1), student.softmax(1), reduction="none").sum(1)
    loss = released_adversarial_loss(student, teacher)
    assert loss.item() == pytest.approx(-(entries * agree).mean().item(), rel=1e-5)
    # The student is held fixed, and but for a constant it is the inner product of the two.
    gradients = torch.autograd.grad(loss, [student, teacher], allow_unused=True)
    inner = (student.detach().softmax(1) * teacher.softmax(1)).sum(1)
    (expected,) = torch.autograd.grad((inner * agree).mean(), teacher)
    assert gradients[0] is None
    torch.testing.assert_close(gradients[1], expected)
    # The equation's pushes the teacher elsewhere.
    (other,) = torch.autograd.grad(adversarial_loss(student, teacher), teacher)
    assert F.cosine_similarity(other.flatten(), expected.flatten(), dim=0) < 0.9


def test_accuracy_is_the_share_of_images_told_right() -> None:
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [3.0, 2.0]])
    assert accuracy(logits, torch.tensor([0, 1, 1, 0])) == pytest.approx(0.75)
