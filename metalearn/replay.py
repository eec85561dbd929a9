"""Episodic losses for replay: what a meta-learner is taught on tasks out of the memory."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.episode import Episode
from metalearn.inner_loop import PureNetwork, adapt, balanced_targets, centroid_logits
from metalearn.inner_loop import class_centroids as centroids_of
from metalearn.losses import accuracy, class_loss
from metalearn.networks import Network
from metalearn.shapes import Scalar

LEARNERS = ("protonet", "maml", "anil")


class EpisodeLoss(NamedTuple):
    """Mean query loss over some episodes, differentiable, and the query accuracy."""

    loss: Scalar
    accuracy: float


def prototype_loss(
    network: Network, episodes: Sequence[Episode], *, temperature: float
) -> EpisodeLoss:
    """Prototypical networks (Snell et al. 2017) on normalised features, as adaptation uses them.

    All episodes go through the network together, so that batch-norm sees many classes at once:
    its statistics are then close to the running ones that inductive adaptation relies on.
    Images are normalised already; the network is in training mode and updates its statistics.
    """
    images = [part for e in episodes for part in (e.support_images, e.query_images)]
    sizes = [len(part) for part in images]
    features = torch.split(network.embed(torch.cat(images)).float(), sizes)
    logits = [
        _prototype_logits(features[2 * i], features[2 * i + 1], episode, temperature)
        for i, episode in enumerate(episodes)
    ]
    return _mean_loss(logits, [episode.query_labels for episode in episodes])


def _prototype_logits(
    support: Tensor, query: Tensor, episode: Episode, temperature: float
) -> Tensor:
    targets = balanced_targets(episode.support_labels, episode.n_way)
    return centroid_logits(query, centroids_of(support, targets), temperature=temperature)


def maml_loss(
    network: PureNetwork,
    weights: dict[str, Tensor],
    episodes: Sequence[Episode],
    *,
    steps: int,
    lr: float,
) -> EpisodeLoss:
    """MAML (Finn et al. 2017), second order: query loss after `steps` of all weights.

    Differentiable in `weights`. Batch statistics as `network` says.
    """
    logits = []
    for e in episodes:
        fast = adapt(
            network,
            weights,
            e.support_images,
            e.support_labels,
            steps=steps,
            lr=lr,
            create_graph=True,
        )
        logits.append(network.logits(fast, e.query_images))
    return _mean_loss(logits, [episode.query_labels for episode in episodes])


def anil_loss(
    network: PureNetwork,
    weights: dict[str, Tensor],
    episodes: Sequence[Episode],
    *,
    steps: int,
    lr: float,
) -> EpisodeLoss:
    """ANIL (Raghu et al. 2020): as MAML, but only the head takes the inner steps."""
    logits = []
    for e in episodes:
        support = network.features(weights, e.support_images)
        head, bias = weights[network.head_weight], weights[network.head_bias]
        for _ in range(steps):
            inner = class_loss(F.linear(support, head, bias), e.support_labels)
            steps_of = torch.autograd.grad(inner, [head, bias], create_graph=True)
            head, bias = head - lr * steps_of[0], bias - lr * steps_of[1]
        logits.append(F.linear(network.features(weights, e.query_images), head, bias))
    return _mean_loss(logits, [episode.query_labels for episode in episodes])


def passes_of(kind: str, inner_steps: int, *, k_shot: int, n_query: int) -> int:
    """As how many pictures of each class an episode counts: those of a pass and its gradient.

    A gradient through MAML's inner step is a pass of the support pictures and two gradients of
    it, twice the work of one.
    """
    if kind == "maml":
        return n_query + 2 * inner_steps * k_shot
    return n_query + k_shot


def _mean_loss(logits: Sequence[Tensor], labels: Sequence[Tensor]) -> EpisodeLoss:
    losses = [class_loss(row, truth) for row, truth in zip(logits, labels, strict=True)]
    hits = accuracy(torch.cat(list(logits)), torch.cat(list(labels)))
    return EpisodeLoss(torch.stack(losses).mean(), hits)
