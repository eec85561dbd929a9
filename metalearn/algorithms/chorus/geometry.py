"""The pool's view of how similar images are: one feature space spanned by all teachers.

Each teacher's features are centred and normalised to unit length, so that width has no influence.
Concatenated, they are the ensemble's features, whose leading principal components retain nearly all
of the information in a few hundred numbers. Less discriminating teachers have less weight.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from metalearn.networks import Network
from metalearn.numerics.precision import autocast
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool, Teacher
from metalearn.shapes import Features, Images, Scalar

MOST_FEATURES = 16_384
"""Above this total number of features, wide teachers' features are projected at random."""
PIXELS_AT_ONCE = 128 * 32 * 32
"""Small chunks keep a small network's activations in the CPU cache."""

Coordinates = Float[Tensor, "n components"]


class PoolGeometry:
    """Coordinates of images in the space of a pool's features.

    `components` are kept, or fewer if there are fewer images or features. Each is divided by its
    standard deviation to the power of `whitening`: 0 keeps the ensemble's similarities, 1 gives
    every direction the same weight. `weighting` is the power of the effective rank in
    `teacher_weights`; 0 weights all teachers equally. With `mirror`, an image's features are
    averaged with its flip's, so that features sensitive only to left and right cancel.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        components: int,
        whitening: float,
        weighting: float,
        mirror: bool,
        precision: str,
    ) -> None:
        self.pool = pool
        self.components = components
        self.whitening = whitening
        self.weighting = weighting
        self.mirror = mirror
        self.precision = precision
        self._means: list[Tensor] = []
        self._projections: list[Tensor | None] = []
        self._say = torch.empty(0)
        self._basis: Tensor | None = None

    @property
    def fitted(self) -> bool:
        return self._basis is not None

    @torch.no_grad()
    def fit(self, images: Images, rng: torch.Generator) -> Coordinates:
        """Fit means and components to these images, and return the images' coordinates."""
        views = [self._features(view) for view in self._views(images)]
        self._means = [torch.cat(each).mean(0) for each in zip(*views, strict=True)]
        self._projections = [_projection(each, len(self.pool), rng) for each in views[0]]
        self._say = teacher_weights(self.pool, views[0], self.weighting)
        joint = self._joined(views)
        rank = min(self.components, *joint.shape)
        with seeded_from(rng):
            # svd_lowrank draws its random start from the device's global generator. On the CPU,
            # which is fast enough here, that can be seeded from the run's generator.
            _, scale, basis = torch.svd_lowrank(joint.cpu(), q=rank, niter=3)
        scale, basis = scale.to(joint.device), basis.to(joint.device)
        deviation = (scale / len(joint) ** 0.5).clamp(min=1e-6)
        self._basis = basis / deviation**self.whitening
        coordinates: Tensor = joint @ self._basis
        return coordinates

    @torch.no_grad()
    def coordinates(self, images: Images) -> Coordinates:
        assert self._basis is not None, "fit comes first"
        views = [self._features(view) for view in self._views(images)]
        coordinates: Tensor = self._joined(views) @ self._basis
        return coordinates

    def _views(self, images: Images) -> list[Images]:
        return [images, images.flip(-1)] if self.mirror else [images]

    def _joined(self, views: Sequence[Sequence[Tensor]]) -> Float[Tensor, "n joint"]:
        parts = []
        by_teacher = zip(*views, strict=True)
        fitted = zip(self._means, self._projections, self._say.sqrt().tolist(), strict=True)
        for each, (mean, projection, weight) in zip(by_teacher, fitted, strict=True):
            unit = torch.stack([F.normalize(view - mean, dim=1) for view in each]).mean(0)
            parts.append(weight * (unit if projection is None else unit @ projection))
        joint: Tensor = torch.cat(parts, dim=1)
        return joint

    def _features(self, images: Images) -> list[Tensor]:
        return [self._features_of(teacher, images) for teacher in self.pool.teachers]

    def _features_of(self, teacher: Teacher, images: Images) -> Features:
        size = max(1, PIXELS_AT_ONCE // teacher.image_size**2)
        with autocast(self.precision, images.device):
            parts = [teacher.features(chunk).float() for chunk in torch.split(images, size)]
        return torch.cat(parts)

    def state_dict(self) -> dict[str, Any]:
        """Return means, projections and components; empty before `fit`."""
        if self._basis is None:
            return {}
        return {
            "means": [mean.clone() for mean in self._means],
            # A snapshot cannot store None.
            "projections": [
                torch.empty(0) if each is None else each.clone() for each in self._projections
            ],
            "say": self._say.clone(),
            "basis": self._basis.clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if not state:
            return
        device = next(self.pool.teachers[0].network.parameters()).device
        self._means = [mean.to(device) for mean in state["means"]]
        self._projections = [
            each.to(device) if each.numel() else None for each in state["projections"]
        ]
        self._say = state["say"]
        self._basis = state["basis"].to(device)


def embedded(network: Network, prepared: Tensor, precision: str) -> Features:
    prepared = prepared.contiguous(memory_format=torch.channels_last)
    with autocast(precision, prepared.device):
        features: Tensor = network.embed(prepared)
    return features.float()


def teacher_weights(
    pool: Pool, features: Sequence[Tensor], power: float
) -> Float[Tensor, " teachers"]:
    """Return each teacher's weight, based on its features of the same images; sums to one.

    A poor teacher, barely trained or damaged, distinguishes little more than brightness and colour.
    All teachers do that, so it agrees with them and is equally confident, but its features span
    fewer dimensions. Each is compared with the upper quartile of its kind (architecture, width and
    image size); above that, all weigh the same.
    """
    specs = [teacher.network.spec for teacher in pool.teachers]
    kinds = [(spec.architecture, spec.width, spec.image_size) for spec in specs]
    ranks = torch.tensor([effective_rank(each) for each in features])
    usual = {kind: ranks[[other == kind for other in kinds]].quantile(0.75) for kind in set(kinds)}
    say = (ranks / torch.stack([usual[kind] for kind in kinds])).clamp(max=1) ** power
    return say / say.sum()


def effective_rank(features: Features) -> float:
    """Return the effective dimension of unit-length features: exp of their spectrum's entropy.

    After Roy & Vetterli 2007, "The effective rank", with variances in place of singular values.
    """
    unit = F.normalize(features - features.mean(0), dim=1)
    variances = torch.linalg.eigvalsh(torch.cov(unit.T)).clamp(min=0)
    shares = variances / variances.sum().clamp(min=1e-12)
    return float(torch.special.entr(shares).sum().exp())


def similarity_loss(features: Features, coordinates: Coordinates) -> Scalar:
    """Return 1 minus the mean correlation of cosine similarities: 0 at best, 2 at worst.

    Compares each image's similarities to all others in the batch. A correlation ignores scale and
    offset: features after a ReLU have no negative similarities, and can still rank images equally.
    """
    own, wanted = _others(features), _others(coordinates)
    return 1 - F.cosine_similarity(own, wanted, dim=1).mean()


def _others(points: Tensor) -> Float[Tensor, "n n-1"]:
    n = len(points)
    unit = F.normalize(points, dim=1)
    elsewhere = ~torch.eye(n, dtype=torch.bool, device=points.device)
    similarities = (unit @ unit.T)[elsewhere].view(n, n - 1)
    return similarities - similarities.mean(1, keepdim=True)


def joint_features(pool: Pool) -> int:
    dims = [teacher.network.feature_dim for teacher in pool.teachers]
    return sum(min(dim, _affordable(len(pool))) for dim in dims)


def _affordable(n_teachers: int) -> int:
    return max(16, MOST_FEATURES // n_teachers)


def _projection(features: Features, n_teachers: int, rng: torch.Generator) -> Tensor | None:
    """Return a random projection that roughly preserves angles (Johnson-Lindenstrauss)."""
    width, affordable = features.shape[1], _affordable(n_teachers)
    if width <= affordable:
        return None
    projection = torch.randn(width, affordable, generator=rng) / affordable**0.5
    moved: Tensor = projection.to(features.device)
    return moved
