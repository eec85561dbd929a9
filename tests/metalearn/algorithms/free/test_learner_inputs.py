"""What FREE's learner says and is trained, against the same worked out by hand from its tensors."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from metalearn.algorithms.free.learner_inputs import student_of
from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.networks import Network
from metalearn.pool import Pool
from tests.metalearn.by_hand import (
    conv4_features,
    conv4_logits,
    prototype_logits,
    tensors_of,
)

CONFIG = FreePlusConfig(n_way=3, images_per_class=5, precision="fp32", temperature=0.3)
LABELS = torch.arange(3).repeat(5)


@pytest.mark.parametrize("head", ["shared", "prototypes", "own"])
def test_the_adversarial_student_judges_by_its_head_or_by_its_own_class_means(
    learner: Network, pool: Pool, images: Tensor, head: str
) -> None:
    # With heads of the teachers' own the learner's own one is untaught, so it cannot be asked.
    student = student_of(learner, replace(CONFIG, distillation_head=head), pool)
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    shown = images.clone().requires_grad_()
    found = student(shown, LABELS)

    tensors = tensors_of(learner)
    given = images.double().requires_grad_()
    ready = (given - 0.5) / 0.25
    if head == "shared":
        expected = conv4_logits(tensors, ready, batch_statistics=True)
    else:
        features, _ = conv4_features(tensors, ready, batch_statistics=True)
        # The class means stand still: an image is moved towards them or away, not they with it.
        expected = prototype_logits(features.detach(), LABELS, features, temperature=0.3)
    assert torch.allclose(found.double(), expected, rtol=1e-4, atol=1e-4)

    weights = torch.randn(15, 3, generator=torch.Generator().manual_seed(1))
    (slope,) = torch.autograd.grad((found * weights).sum(), shown)
    (wanted,) = torch.autograd.grad((expected * weights).sum(), given)
    assert torch.allclose(slope.double(), wanted, rtol=1e-3, atol=1e-3 * wanted.abs().max().item())
    # The learner is asked, not trained: no gradient reaches its weights, no statistic moves.
    assert all(weight.grad is None for weight in learner.parameters())
    after = learner.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_students_weights_want_no_gradient(
    learner: Network, pool: Pool, images: Tensor
) -> None:
    student = student_of(learner, CONFIG, pool)
    assert not student(images, LABELS).requires_grad
