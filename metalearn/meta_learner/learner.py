"""The meta-learner: made by a job, downloaded by people, adapted to a support set."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from metalearn.meta_learner import directory
from metalearn.meta_learner.adaptation import Support, adapted_classifier
from metalearn.meta_learner.adaptation_settings import AdaptationSettings
from metalearn.meta_learner.classifier import Classifier
from metalearn.meta_learner.parts import LearnerParts
from metalearn.meta_learner.provenance import TeacherRecord
from metalearn.meta_learner.support import check_support
from metalearn.networks import Network, NetworkSpec
from metalearn.numerics.preparation import prepare_images


class MetaLearner:
    """A network trained to adapt, with its normalisation, defaults and origin.

    It keeps a copy of the network. `made_by` holds the algorithm, settings, seed and other entries
    of config.json; `teachers` are the models it was made from.
    """

    def __init__(
        self,
        network: Network,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        defaults: AdaptationSettings | None = None,
        made_by: Mapping[str, object] | None = None,
        teachers: Sequence[TeacherRecord] = (),
    ) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.mean = tuple(mean)
        self.std = tuple(std)
        self.defaults = defaults or AdaptationSettings()
        self.made_by = dict(made_by or {})
        self.teachers = tuple(teachers)

    @property
    def spec(self) -> NetworkSpec:
        return self.network.spec

    @property
    def channels(self) -> int:
        return self.spec.channels

    @property
    def image_size(self) -> int:
        """Height and width in pixels to which its images are resized."""
        return self.spec.image_size

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where adaptation takes place."""
        return next(self.network.parameters()).device

    def to(self, device: torch.device) -> "MetaLearner":
        """Move the weights (in place); return the learner."""
        self.network.to(device)
        return self

    def adapt(
        self,
        support_images: Tensor,
        support_labels: Tensor,
        *,
        settings: AdaptationSettings | None = None,
        seed: int = 0,
    ) -> Classifier:
        """Return a classifier for the classes of a support set; the learner does not change.

        Images (n, c, h, w) are in [0, 1], of any size. Labels (n,) are 0 … n_way-1, with 2 to 20
        classes of 1 to 50 images each. Raises InvalidData otherwise. The same seed gives the same
        classifier.
        """
        n_way = check_support(support_images, support_labels, self.channels)
        images = prepare_images(
            support_images.to(self.device), size=self.image_size, mean=self.mean, std=self.std
        )
        return adapted_classifier(
            self.network,
            Support(images, support_labels.long().to(self.device), n_way),
            settings or self.defaults,
            normalisation=(self.mean, self.std),
            rng=torch.Generator().manual_seed(seed),
        )

    def save(self, path: Path, *, for_browsers: bool = False) -> None:
        """Write the learner directory (contract.md “Files”), atomically.

        An existing learner directory is replaced; anything else is refused. With `for_browsers` a
        folder `browser` is added, with all that a browser needs to adapt it or the reason why it
        cannot; this takes seconds.
        """
        parts = LearnerParts(
            self.network, self.mean, self.std, self.defaults, self.made_by, self.teachers
        )
        directory.write(parts, path, for_browsers=for_browsers)

    @classmethod
    def load(cls, path: Path) -> "MetaLearner":
        """Read a learner directory. Raises InvalidCheckpoint if it is not one."""
        parts = directory.read(path)
        return cls(
            parts.network,
            mean=parts.mean,
            std=parts.std,
            defaults=parts.defaults,
            made_by=parts.made_by,
            teachers=parts.teachers,
        )
