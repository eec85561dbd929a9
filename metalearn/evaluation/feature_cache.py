"""A cache of a learner's features, computed when first needed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from metalearn.errors import InvalidSetting
from metalearn.learning.inner_loop import PureNetwork
from metalearn.meta_learner import MetaLearner
from metalearn.meta_learner.support import check_images, images_at_once
from metalearn.numerics.episode import unit_scaled
from metalearn.numerics.preparation import prepare_images
from metalearn.shapes import Features


@dataclass(frozen=True)
class _Store:
    features: list[Tensor]
    known: list[Tensor]


class FeatureCache:
    """Features of images, by class and index within the class.

    An evaluation reuses images many times: 600 episodes use 60,000, drawn from perhaps 1,600 in a
    data pack. If adaptation learns nothing and batch-norm is inductive, an image's features do not
    depend on other images and can be cached.
    """

    def __init__(
        self, learner: MetaLearner, images_by_class: Sequence[Tensor], *, precision: str
    ) -> None:
        self._learner = learner
        self._images = images_by_class
        self._network = PureNetwork(learner.network, batchnorm="inductive", precision=precision)
        self._weights = self._network.weights()
        self._as_they_are, self._mirrored = self._new_store(), self._new_store()

    def features(self, wanted: Sequence[tuple[int, Tensor]], *, mirrored: bool = False) -> Features:
        """Return concatenated features for pairs of a class and image indices.

        With `mirrored`, returns those of the flipped images. Raises InvalidSetting if they are not
        finite, since NaN would count as the first class.
        """
        store = self._mirrored if mirrored else self._as_they_are
        new = [(index, picks[~store.known[index][picks]]) for index, picks in wanted]
        if any(len(picks) for _, picks in new):
            self._embed(new, store)
        return torch.cat([store.features[index][picks] for index, picks in wanted])

    def _new_store(self) -> "_Store":
        width = self._learner.network.feature_dim
        return _Store(
            [torch.empty(len(images), width) for images in self._images],
            [torch.zeros(len(images), dtype=torch.bool) for images in self._images],
        )

    @torch.no_grad()
    def _embed(self, new: Sequence[tuple[int, Tensor]], store: "_Store") -> None:
        learner = self._learner
        images = torch.cat([self._images[c][picks.to(self._images[c].device)] for c, picks in new])
        images = unit_scaled(images).to(learner.device)
        check_images(images, learner.channels)
        prepared = prepare_images(
            images, size=learner.image_size, mean=learner.mean, std=learner.std
        )
        prepared = prepared.flip(-1) if store is self._mirrored else prepared
        chunks = torch.split(prepared, images_at_once(learner.image_size))
        seen = torch.cat([self._network.features(self._weights, chunk) for chunk in chunks]).cpu()
        if not bool(seen.isfinite().all()):
            raise InvalidSetting(
                "This learner's features of an image are not finite; train it again with lower "
                "learning rates."
            )
        parts = torch.split(seen, [len(picks) for _, picks in new])
        for (index, picks), part in zip(new, parts, strict=True):
            store.features[index][picks] = part
            store.known[index][picks] = True
