"""What FREE's distillation is, worked out by hand from the learner's tensors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from metalearn.algorithms.free.shared_head import distillation_of
from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.networks import Network
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask, TeacherTask
from tests.metalearn.by_hand import (
    conv4_features,
    tensors_of,
)

CONFIG = FreePlusConfig(n_way=3, images_per_class=5, precision="fp32", temperature=0.3)
LABELS = torch.arange(3).repeat(5)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_with_prototypes_the_second_half_is_judged_by_the_class_means_of_the_first(
    learner: Network, pool: Pool, images: Tensor, temperature: float
) -> None:
    # Five images of a class: two make its mean, three are judged.
    config = replace(CONFIG, distillation_head="prototypes", distillation_temperature=temperature)
    task = RecoveredTask(TeacherTask(pool.teachers[0], (0, 1, 2)), images, LABELS, {}, 0.0)
    targets = torch.randn(15, 3, generator=torch.Generator().manual_seed(2))
    found = distillation_of(learner, task=task, targets=targets, config=config, pool=pool)

    ready = (images.double() - 0.5) / 0.25
    features, _ = conv4_features(tensors_of(learner), ready, batch_statistics=True)
    unit = features.numpy() / np.linalg.norm(features.numpy(), axis=1, keepdims=True)
    means = [(unit[label] + unit[label + 3]) / 2 for label in range(3)]
    loss = 0.0
    for index in range(6, 15):
        distances = np.array([np.sum((unit[index] - mean) ** 2) for mean in means])
        student = np.exp(-distances / 0.3 / temperature)
        teacher = np.exp(targets[index].double().numpy() / temperature)
        p, q = teacher / teacher.sum(), student / student.sum()
        loss += temperature**2 * np.sum(p * np.log(p / q)) / 9
    assert found.item() == pytest.approx(loss, rel=1e-4)
