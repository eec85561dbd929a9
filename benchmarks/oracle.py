"""ICFIL with a perfect inversion: real images of each class in place of recovered ones."""

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor

from metalearn.evaluation import EvaluationPlan
from metalearn.learning.calibration import ContrastiveForm, contrastive_step
from metalearn.learning.inner_loop import (
    PureNetwork,
    balanced_targets,
    centroid_logits,
    class_centroids,
)
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.numerics.episode import Drawn, Episode, draw_episode, episode_of, unit_scaled
from metalearn.numerics.preparation import prepare_images


def oracle_accuracies(
    learner: MetaLearner,
    images_by_class: list[Tensor],
    plan: EvaluationPlan,
    settings: AdaptationSettings,
    *,
    tracks_by_class: list[Tensor] | None = None,
) -> Iterator[float]:
    """Yield the accuracy of prototypes after the contrastive steps, for the usual episodes."""
    sizes = [len(images) for images in images_by_class]
    rng = torch.Generator().manual_seed(plan.seed)
    own = torch.Generator().manual_seed(plan.seed)
    for _ in range(plan.episodes):
        drawn = draw_episode(
            sizes,
            n_way=plan.n_way,
            k_shot=plan.k_shot,
            n_query=plan.n_query,
            rng=rng,
            tracks_by_class=tracks_by_class,
        )
        others = [_others(one, sizes[one.place], settings.pseudo_images, own) for one in drawn]
        images = [images_by_class[one.place][i] for one, i in zip(drawn, others, strict=True)]
        labels = torch.arange(len(drawn)).repeat_interleave(torch.tensor([len(i) for i in others]))
        episode = episode_of(images_by_class, drawn)
        yield _accuracy(learner, episode, (torch.cat(images), labels), settings)


def _others(drawn: Drawn, size: int, n: int, rng: torch.Generator) -> Tensor:
    order = torch.randperm(size, generator=rng)
    return order[~torch.isin(order, torch.cat([drawn.support, drawn.query]))][:n]


def _accuracy(
    learner: MetaLearner,
    episode: Episode,
    perfect: tuple[Tensor, Tensor],
    settings: AdaptationSettings,
) -> float:
    pure, (mean, std) = PureNetwork(learner.network), (learner.mean, learner.std)
    ready = [
        prepare_images(unit_scaled(images), size=learner.image_size, mean=mean, std=std)
        for images in (episode.support_images, perfect[0], episode.query_images)
    ]
    weights = pure.weights()
    for _ in range(settings.calibration_steps):
        _, weights = contrastive_step(
            pure,
            weights,
            (ready[0], episode.support_labels),
            (ready[1], perfect[1]),
            temperature=settings.calibration_temperature,
            lr=settings.calibration_lr,
            form=cast(ContrastiveForm, settings.icfil_loss),
        )
    with torch.no_grad():
        targets = balanced_targets(episode.support_labels, episode.n_way)
        centroids = class_centroids(pure.features(weights, ready[0]), targets)
        found = pure.features(weights, ready[2])
        logits = centroid_logits(found, centroids, temperature=settings.temperature)
    return float((logits.argmax(1) == episode.query_labels).float().mean())
