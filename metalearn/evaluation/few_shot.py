import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from metalearn.errors import InvalidSetting
from metalearn.evaluation.feature_cache import FeatureCache
from metalearn.learning.inner_loop import balanced_targets, centroid_logits, class_centroids
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.meta_learner.support import check_shots, check_way
from metalearn.numerics.episode import Drawn, Episode, draw_episode, episode_of
from metalearn.numerics.ridge import ridge_head


@dataclass(frozen=True)
class EvaluationPlan:
    """Episodes to draw. The same plan and images give the same episodes."""

    n_way: int = 5
    k_shot: int = 5
    n_query: int = 15
    episodes: int = 600
    seed: int = 0

    def __post_init__(self) -> None:
        if self.episodes < 2:
            raise InvalidSetting("An evaluation needs at least 2 episodes for its interval.")
        if min(self.n_way - 1, self.k_shot, self.n_query) < 1:
            raise InvalidSetting(
                "An evaluation needs at least 2 classes, 1 support and 1 query image per class."
            )


@dataclass(frozen=True)
class Evaluation:
    """Accuracy in percent over episodes, with the half-width of its 95 % interval."""

    accuracy: float
    interval95: float
    episodes: int
    way: int
    shot: int
    query: int
    head: str
    calibrate: str
    batchnorm: str

    def as_dict(self) -> dict[str, float | int | str]:
        return dict(vars(self))


def episode_accuracies(
    meta_learner: MetaLearner,
    images_by_class: list[Tensor],
    plan: EvaluationPlan,
    settings: AdaptationSettings | None = None,
    *,
    tracks_by_class: list[Tensor] | None = None,
    keep_features: bool = True,
    feature_cache: FeatureCache | None = None,
) -> Iterator[float]:
    """Yield the accuracy (0 to 1) of each of the plan's episodes.

    `images_by_class[c]` holds the images (n_c, c, h, w) of class c, uint8 or in [0, 1]. With
    `tracks_by_class`, support and query never show the same object (see `draw_episode`). If
    predictions depend only on each image's own features, these are computed once for all episodes,
    and for all plans that share a `feature_cache`. Without `keep_features`, each episode is adapted
    separately.
    """
    settings = settings or meta_learner.defaults
    if keep_features and _needs_features_alone(settings):
        check_way(plan.n_way)
        check_shots([plan.k_shot])
        if feature_cache is None:
            feature_cache = FeatureCache(
                meta_learner, images_by_class, precision=settings.precision
            )
    else:
        feature_cache = None
    rng = torch.Generator().manual_seed(plan.seed)
    for index in range(plan.episodes):
        drawn = draw_episode(
            [len(images) for images in images_by_class],
            n_way=plan.n_way,
            k_shot=plan.k_shot,
            n_query=plan.n_query,
            rng=rng,
            tracks_by_class=tracks_by_class,
        )
        if feature_cache is not None:
            yield _accuracy_by_features(feature_cache, drawn, settings)
        else:
            episode = episode_of(images_by_class, drawn)
            yield _accuracy(meta_learner, episode, settings, seed=plan.seed + index)


def _needs_features_alone(settings: AdaptationSettings) -> bool:
    learns_nothing = settings.head in {"prototypes", "ridge"} and settings.calibrate == "none"
    return learns_nothing and settings.batchnorm == "inductive"


def _accuracy_by_features(
    feature_cache: FeatureCache, drawn: Sequence[Drawn], settings: AdaptationSettings
) -> float:
    chosen = [(one.place, one.support) for one in drawn]
    support, n_way = feature_cache.features(chosen), len(drawn)
    query = feature_cache.features([(one.place, one.query) for one in drawn])
    labels = torch.arange(n_way)
    of_support = labels.repeat_interleave(len(drawn[0].support))
    if settings.head == "prototypes":
        centroids = class_centroids(support, balanced_targets(of_support, n_way))
        logits = centroid_logits(query, centroids, temperature=settings.temperature)
    else:
        if settings.mirror_support:
            support = torch.cat([support, feature_cache.features(chosen, mirrored=True)])
            of_support = of_support.repeat(2)
        targets = balanced_targets(of_support, n_way)
        logits = ridge_head(support, targets, temperature=settings.temperature).logits(query)
    truth = labels.repeat_interleave(len(drawn[0].query))
    return float((logits.argmax(1) == truth).float().mean())


def summarise(
    accuracies: Sequence[float],
    plan: EvaluationPlan,
    settings: AdaptationSettings,
) -> Evaluation:
    """Return mean and 1.96 * std / sqrt(n) of the accuracies of a plan's episodes."""
    deviation = statistics.stdev(accuracies)
    return Evaluation(
        accuracy=100 * statistics.fmean(accuracies),
        interval95=100 * 1.96 * deviation / len(accuracies) ** 0.5,
        episodes=len(accuracies),
        way=plan.n_way,
        shot=plan.k_shot,
        query=plan.n_query,
        head=settings.head,
        calibrate=settings.calibrate,
        batchnorm=settings.batchnorm,
    )


def evaluate(
    meta_learner: MetaLearner,
    images_by_class: list[Tensor],
    plan: EvaluationPlan,
    settings: AdaptationSettings | None = None,
    *,
    tracks_by_class: list[Tensor] | None = None,
) -> Evaluation:
    """Adapt to each episode of the plan and measure accuracy on its query images.

    Raises InvalidSetting if an adaptation diverges, since NaN would count as the first class.
    """
    accuracies = list(
        episode_accuracies(
            meta_learner, images_by_class, plan, settings, tracks_by_class=tracks_by_class
        )
    )
    return summarise(accuracies, plan, settings or meta_learner.defaults)


def _accuracy(
    meta_learner: MetaLearner, episode: Episode, settings: AdaptationSettings, *, seed: int
) -> float:
    classifier = meta_learner.adapt(
        episode.support_images, episode.support_labels, settings=settings, seed=seed
    )
    predicted = classifier.probabilities(episode.query_images).argmax(1)
    return float((predicted == episode.query_labels.to(predicted.device)).float().mean())
