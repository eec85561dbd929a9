"""Losses on logits. Probabilities never enter a logarithm unscaled: all work on log-softmax."""

import torch.nn.functional as F
from torch import Tensor

from metalearn.shapes import Labels, Logits, Scalar


def class_loss(logits: Logits, labels: Labels) -> Scalar:
    """Cross entropy, mean over the images."""
    return F.cross_entropy(logits, labels.long())


def divergences(student: Logits, teacher: Logits) -> Tensor:
    """KL(teacher || student) of each image, in nats, shape (n,); differentiable in both."""
    log_student = student.log_softmax(1)
    log_teacher = teacher.log_softmax(1)
    return (log_teacher.exp() * (log_teacher - log_student)).sum(1)


def distillation_loss(student: Logits, teacher: Logits, *, temperature: float = 1.0) -> Scalar:
    """Mean of KL(teacher || student) at a temperature, times its square (Hinton et al. 2015).

    Zero, with zero gradient, where both say the same.
    """
    return divergences(student / temperature, teacher / temperature).mean() * temperature**2


def released_distillation_loss(student: Logits, teacher: Logits) -> Scalar:
    """The distillation of FREE's released code: KL whose student lacks its logarithm.

    Mean over images and classes of t (log t - s) for probabilities s and t, so a constant minus
    their mean inner product: where both agree it still pushes towards certainty, and it hardly
    moves a student that is surely wrong. For comparison with published runs.
    """
    log_teacher = teacher.log_softmax(1)
    return (log_teacher.exp() * (log_teacher - student.softmax(1))).mean()


def adversarial_loss(student: Logits, teacher: Logits) -> Scalar:
    """FREE's L_adv: minus KL between teacher and student, on images where both predict alike.

    Lowering it seeks images near the student's decision boundary which it still gets right;
    images on which the two disagree count as zero, so that the loss cannot run away.
    """
    agree = (student.argmax(1) == teacher.argmax(1)).to(student.dtype)
    return -(divergences(student, teacher) * agree).mean()


def released_adversarial_loss(student: Logits, teacher: Logits) -> Scalar:
    """The adversarial loss of FREE's released code: KL whose teacher lacks its logarithm.

    Minus the sum over classes of s (log s - t), for probabilities s of the student, who is held
    fixed, and t of the teacher: but for a constant their inner product, on images where both
    predict alike. Lowering it makes the teacher less sure of what the student says already.
    """
    log_student = student.detach().log_softmax(1)
    agree = (student.argmax(1) == teacher.argmax(1)).to(teacher.dtype)
    apart = (log_student.exp() * (log_student - teacher.softmax(1))).sum(1)
    return -(apart * agree).mean()


def accuracy(logits: Logits, labels: Labels) -> float:
    """Share of images whose largest logit is their label's."""
    return float((logits.argmax(1) == labels).float().mean())
