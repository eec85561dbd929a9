"""In portions a teacher says, and is differentiated, as in one go."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from metalearn.networks.batchnorm import batchnorm_loss
from metalearn.pool.pool import Teacher
from metalearn.recovery.teacher_pass import Limits, bytes_kept, images_at_once, said_by, seen_by

CPU = torch.device("cpu")
IMAGES = torch.rand(7, 3, 20, 20, generator=torch.Generator().manual_seed(0))


def looked(teacher: Teacher, max_bytes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, the batch-norm term, and the gradient of a loss of both by the images."""
    images = IMAGES.clone().requires_grad_()
    logits, records = seen_by(teacher, images, Limits(max_bytes, "fp32"))
    distance = batchnorm_loss(records, like=images)
    loss = logits.log_softmax(1)[:, 1].sum() + 3 * distance
    (gradient,) = torch.autograd.grad(loss, images)
    return logits.detach(), distance.detach(), gradient


@pytest.mark.parametrize("architecture", ["conv4", "resnet10"])
@pytest.mark.parametrize("portion", [1, 3])
def test_portions_give_the_same_logits_statistics_and_gradient(
    make_teacher: Callable[..., Any], architecture: str, portion: int
) -> None:
    teacher = make_teacher(architecture=architecture)
    kept = bytes_kept(teacher, "fp32", CPU)
    assert images_at_once(teacher, IMAGES, Limits(portion * kept, "fp32")) == portion
    whole, parts = looked(teacher, 2**30), looked(teacher, portion * kept)
    assert whole[2].abs().max() > 1e-3
    for one, two in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_each_portion_is_looked_at_twice_and_one_go_once(make_teacher: Callable[..., Any]) -> None:
    teacher = make_teacher()
    sizes = []
    kept = bytes_kept(teacher, "fp32", CPU)
    hook = teacher.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    looked(teacher, 3 * kept)
    assert sizes == [3, 3, 1] * 2
    sizes.clear()
    looked(teacher, 7 * kept)
    said_by(teacher, IMAGES, Limits(4 * kept, "fp32"))
    hook.remove()
    assert sizes == [7, 4, 3]


def test_what_is_kept_of_a_picture_is_what_its_layers_keep(
    make_teacher: Callable[..., Any],
) -> None:
    # Each block of Conv4 keeps at least its convolution's input and output.
    teacher, width = make_teacher(width=8), 8
    maps = [16, 8, 4, 2]
    least = 4 * sum(width * size**2 for size in maps)
    kept = bytes_kept(teacher, "fp32", CPU)
    assert least < kept < 10 * least
    assert bytes_kept(make_teacher(width=8, image_size=32), "fp32", CPU) > 3 * kept
