from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from metalearn.algorithms.free.distiller import Distillation, LearnerWithHeads
from metalearn.algorithms.free.learner_inputs import n_way_of, prepared
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.learning.inner_loop import balanced_targets, centroid_logits, class_centroids
from metalearn.networks import Network
from metalearn.numerics.losses import distillation_loss, released_distillation_loss
from metalearn.numerics.precision import autocast
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask
from metalearn.recovery.teacher_pass import said_by
from metalearn.shapes import Labels, Logits, Scalar


class SharedHeadDistiller:
    """The paper's distiller: the learner's own head answers for every teacher's classes."""

    def __init__(self, pool: Pool, config: FreeSettings) -> None:
        self.pool = pool
        self.config = config

    def losses(self, tasks: Sequence[RecoveredTask]) -> list[Distillation]:
        return [self._loss_of(task) for task in tasks]

    def _loss_of(self, task: RecoveredTask) -> Distillation:
        targets = teacher_logits(task, self.config)
        loss = partial(
            distillation_of, task=task, targets=targets, config=self.config, pool=self.pool
        )

        def of_trained(trained: LearnerWithHeads) -> Tensor:
            return loss(trained.network)

        return of_trained


@torch.no_grad()
def teacher_logits(recovered: RecoveredTask, config: FreeSettings) -> Logits:
    said = said_by(recovered.task.teacher, recovered.images, config.inversion.limits)
    return said[:, list(recovered.task.classes)]


def distillation_of(
    network: Network, *, task: RecoveredTask, targets: Logits, config: FreeSettings, pool: Pool
) -> Scalar:
    """Return KL(teacher || learner), or its released form, on one teacher's recovered images.

    With prototypes, the first half of the images gives the class means and the second half is
    classified by them. Labels cycle through the classes, so both halves contain every class.
    """
    images, n_way = prepared(task.images, network, pool), task.task.n_way
    with autocast(config.precision, images.device):
        if config.distillation_head == "shared":
            logits = network(images).float()[:, :n_way]
        else:
            features = network.embed(images).float()
            half = n_way * (config.images_per_class // 2)
            logits = _by_prototypes(features, task.labels, half, config)
            targets = targets[half:]
    if config.switches.distillation == "as_released":
        return released_distillation_loss(logits, targets)
    return distillation_loss(logits, targets, temperature=config.distillation_temperature)


def _by_prototypes(features: Tensor, labels: Labels, half: int, config: FreeSettings) -> Tensor:
    shares = balanced_targets(labels[:half], n_way_of(labels))
    centroids = class_centroids(features[:half], shares)
    return centroid_logits(features[half:], centroids, temperature=config.temperature)
