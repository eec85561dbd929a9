from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from metalearn.algorithms.free.settings import FreeSettings
from metalearn.learning.inner_loop import (
    PureNetwork,
    balanced_targets,
    centroid_logits,
    class_centroids,
)
from metalearn.learning.replay import EpisodeLoss
from metalearn.networks import Network
from metalearn.numerics.augmentation import crop_and_colour
from metalearn.numerics.episode import Episode
from metalearn.numerics.preparation import prepare_images, statistics_batch
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask, Student
from metalearn.recovery.task_memory import TaskMemory
from metalearn.shapes import Batch, Images, Labels, Logits

N_STATISTICS_IMAGES = 2_048


def prepared(images: Images, network: Network, pool: Pool) -> Float[Tensor, "n channels size size"]:
    size = network.spec.image_size
    ready = prepare_images(images, size=size, mean=pool.mean, std=pool.std)
    return ready.contiguous(memory_format=torch.channels_last)


def as_episode(recovered: RecoveredTask, config: FreeSettings) -> Episode:
    """Return a recovered task for display: the first images of each class are the support set."""
    support = recovered.task.n_way * max(1, min(config.k_shot, config.images_per_class - 1))
    images, labels = recovered.images.cpu(), recovered.labels.cpu()
    return Episode(images[:support], labels[:support], images[support:], labels[support:])


def augmented(
    recovered: RecoveredTask, config: FreeSettings, rng: torch.Generator
) -> RecoveredTask:
    if not config.augmentation:
        return recovered
    images = crop_and_colour(recovered.images, strength=config.augmentation, rng=rng)
    return replace(recovered, images=images)


def n_way_of(labels: Labels) -> int:
    return int(labels.max()) + 1


def student_of(network: Network, config: FreeSettings, pool: Pool) -> Student:
    """Return the learner for the adversarial term: with batch statistics, and unchanged by it."""
    pure = _pure(network, config)
    weights = pure.weights()

    def logits(images: Images, labels: Labels) -> Logits:
        ready = prepared(images, network, pool)
        if config.distillation_head == "shared":
            return pure.logits(weights, ready)[:, : n_way_of(labels)]
        features = pure.features(weights, ready)
        shares = balanced_targets(labels, n_way_of(labels))
        centroids = class_centroids(features.detach(), shares)
        return centroid_logits(features, centroids, temperature=config.temperature)

    return logits


def replayed(
    network: Network,
    episodes: Sequence[Episode],
    config: FreeSettings,
    *,
    pool: Pool,
    rng: torch.Generator,
) -> EpisodeLoss:
    """Return the loss of a meta-batch of episodes (images in [0, 1]) and add its gradient."""
    ready = [_prepared_episode(e, network, config, pool=pool, rng=rng) for e in episodes]
    return config.replay.backward(network, ready)


def steps_since_best(values: Sequence[float]) -> int:
    return len(values) - 1 - values.index(max(values)) if values else 0


def _prepared_episode(
    episode: Episode, network: Network, config: FreeSettings, *, pool: Pool, rng: torch.Generator
) -> Episode:
    device = next(network.parameters()).device
    changed = {}
    for name in ("support_images", "query_images"):
        images = getattr(episode, name).to(device)
        if config.augmentation:
            images = crop_and_colour(images, strength=config.augmentation, rng=rng)
        changed[name] = prepared(images, network, pool)
    labels = {
        name: getattr(episode, name).to(device) for name in ("support_labels", "query_labels")
    }
    return replace(episode, **changed, **labels)


def _pure(network: Network, config: FreeSettings) -> PureNetwork:
    return PureNetwork(network, batchnorm="transductive", precision=config.precision)


def statistics_batches(
    memory: TaskMemory, network: Network, pool: Pool, device: torch.device
) -> Iterator[Batch]:
    """Yield batches of the memory's images, classes mixed, to estimate batch-norm statistics."""
    by_class = memory.images_by_class()
    share = -(-N_STATISTICS_IMAGES // len(by_class))
    images = torch.cat([images[:share] for images in by_class])
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    for part in torch.split(order, statistics_batch(network.spec.image_size)):
        yield prepared(images[part].to(device).float() / 255, network, pool)
