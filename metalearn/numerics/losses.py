"""Losses on logits. All use log-softmax rather than the logarithm of a probability."""

import torch.nn.functional as F
from torch import Tensor

from metalearn.shapes import Labels, Logits, Scalar


def class_loss(logits: Logits, labels: Labels) -> Scalar:
    return F.cross_entropy(logits, labels.long())


def divergences(student: Logits, teacher: Logits) -> Tensor:
    """Return KL(teacher || student) per image, in nats, shape (n,); differentiable in both."""
    log_student = student.log_softmax(1)
    log_teacher = teacher.log_softmax(1)
    return (log_teacher.exp() * (log_teacher - log_student)).sum(1)


def distillation_loss(student: Logits, teacher: Logits, *, temperature: float = 1.0) -> Scalar:
    """Return mean KL(teacher || student) at a temperature, times its square (Hinton et al. 2015).

    Zero, with zero gradient, where both agree.
    """
    return divergences(student / temperature, teacher / temperature).mean() * temperature**2


def released_distillation_loss(student: Logits, teacher: Logits) -> Scalar:
    """Return the distillation loss of FREE's released code, where the student lacks its logarithm.

    It is the mean over images and classes of t (log t - s) for probabilities s and t: a constant
    minus their mean inner product. Where both agree it still pushes towards certainty, and it
    hardly moves a student that is confidently wrong. Used to compare with published runs.
    """
    log_teacher = teacher.log_softmax(1)
    return (log_teacher.exp() * (log_teacher - student.softmax(1))).mean()


def adversarial_loss(student: Logits, teacher: Logits) -> Scalar:
    """Return FREE's L_adv: minus KL between teacher and student, where both predict the same class.

    Minimising it seeks images near the student's decision boundary that it still classifies
    correctly. Images on which the two disagree count as zero, which keeps the loss from diverging.
    """
    agree = (student.argmax(1) == teacher.argmax(1)).to(student.dtype)
    return -(divergences(student, teacher) * agree).mean()


def released_adversarial_loss(student: Logits, teacher: Logits) -> Scalar:
    """Return the adversarial loss of FREE's released code, where the teacher lacks its logarithm.

    It is minus the sum over classes of s (log s - t), for probabilities s of the student, which is
    detached, and t of the teacher, where both predict the same class: up to a constant their inner
    product. Minimising it makes the teacher less certain of the student's prediction.
    """
    log_student = student.detach().log_softmax(1)
    agree = (student.argmax(1) == teacher.argmax(1)).to(teacher.dtype)
    apart = (log_student.exp() * (log_student - teacher.softmax(1))).sum(1)
    return -(apart * agree).mean()


def accuracy(logits: Logits, labels: Labels) -> float:
    return float((logits.argmax(1) == labels).float().mean())
