"""The meta-learner: what a job makes, a person downloads, and a support set adapts."""

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
    """A network that was learned to adapt, with its normalisation, defaults and origin.

    It keeps a copy of the network. `made_by` says how it was made: algorithm, settings, seed
    and whatever else belongs into config.json; `teachers` say from what.
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
        """What is needed to build the network again."""
        return self.network.spec

    @property
    def channels(self) -> int:
        """Colour channels of its images."""
        return self.spec.channels

    @property
    def image_size(self) -> int:
        """Height and width its images are resized to, in pixels."""
        return self.spec.image_size

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where adaptation takes place."""
        return next(self.network.parameters()).device

    def to(self, device: torch.device) -> "MetaLearner":
        """Move the weights (in place); returns the learner."""
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
        """A classifier for the classes of a support set; the learner itself stays as it is.

        Images (n, c, h, w) lie in [0, 1], of any size; labels (n,) are 0 … n_way-1 with 2 to 20
        classes of 1 to 50 images each, not necessarily as many of each. Raises InvalidData for
        anything else. The same seed gives the same classifier.
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
        """Write the learner directory (contract.md “Files”), whole or not at all.

        A learner directory of that name is replaced; anything else there is refused. With
        `for_browsers` there is a folder `browser` with all that a browser needs to adapt it, or
        with the reason why it cannot; that takes seconds.
        """
        parts = LearnerParts(
            self.network, self.mean, self.std, self.defaults, self.made_by, self.teachers
        )
        directory.write(parts, path, for_browsers=for_browsers)

    @classmethod
    def load(cls, path: Path) -> "MetaLearner":
        """Read a learner directory. Raises InvalidCheckpoint when it is not one."""
        parts = directory.read(path)
        return cls(
            parts.network,
            mean=parts.mean,
            std=parts.std,
            defaults=parts.defaults,
            made_by=parts.made_by,
            teachers=parts.teachers,
        )
