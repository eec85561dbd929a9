"""Episodic losses for replay of remembered tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.learning.inner_loop import PureNetwork, adapt, balanced_targets, centroid_logits
from metalearn.learning.inner_loop import class_centroids as centroids_of
from metalearn.networks import Network
from metalearn.numerics.episode import Episode
from metalearn.numerics.losses import accuracy, class_loss
from metalearn.numerics.precision import autocast
from metalearn.shapes import Scalar

LEARNERS = ("protonet", "maml", "anil")


class EpisodeLoss(NamedTuple):
    loss: Scalar
    accuracy: float


def prototype_loss(
    network: Network, episodes: Sequence[Episode], *, temperature: float
) -> EpisodeLoss:
    """Return the loss of prototypical networks (Snell et al. 2017) on normalised features.

    All episodes pass through the network together, so that batch-norm sees many classes at once and
    its statistics stay close to the running ones that inductive adaptation uses. Images are
    normalised; the network is in training mode and updates its statistics.
    """
    images = [part for e in episodes for part in (e.support_images, e.query_images)]
    sizes = [len(part) for part in images]
    features = torch.split(network.embed(torch.cat(images)).float(), sizes)
    logits = [
        _prototype_logits(features[2 * i], features[2 * i + 1], episode, temperature)
        for i, episode in enumerate(episodes)
    ]
    return _mean_of(
        [
            _query_loss(row, episode.query_labels)
            for row, episode in zip(logits, episodes, strict=True)
        ]
    )


def _prototype_logits(
    support: Tensor, query: Tensor, episode: Episode, temperature: float
) -> Tensor:
    targets = balanced_targets(episode.support_labels, episode.n_way)
    return centroid_logits(query, centroids_of(support, targets), temperature=temperature)


def maml_loss(
    network: PureNetwork, weights: dict[str, Tensor], episode: Episode, *, steps: int, lr: float
) -> EpisodeLoss:
    """Return MAML's second-order loss (Finn et al. 2017): query loss after `steps` on all weights.

    Differentiable in `weights`. `network` determines the batch-norm mode.
    """
    fast = adapt(
        network,
        weights,
        episode.support_images,
        episode.support_labels,
        steps=steps,
        lr=lr,
        create_graph=True,
    )
    return _query_loss(network.logits(fast, episode.query_images), episode.query_labels)


def anil_loss(
    network: PureNetwork, weights: dict[str, Tensor], episode: Episode, *, steps: int, lr: float
) -> EpisodeLoss:
    """Return ANIL's loss (Raghu et al. 2020): like MAML's, with inner steps on the head only."""
    support = network.features(weights, episode.support_images)
    head, bias = weights[network.head_weight], weights[network.head_bias]
    for _ in range(steps):
        inner = class_loss(F.linear(support, head, bias), episode.support_labels)
        steps_of = torch.autograd.grad(inner, [head, bias], create_graph=True)
        head, bias = head - lr * steps_of[0], bias - lr * steps_of[1]
    logits = F.linear(network.features(weights, episode.query_images), head, bias)
    return _query_loss(logits, episode.query_labels)


@dataclass(frozen=True)
class Replay:
    """How a network learns from episodes; `learner` is one of LEARNERS.

    ProtoNet uses only the temperature, MAML and ANIL only the inner steps and their rate.
    """

    learner: str
    inner_steps: int
    inner_lr: float
    temperature: float
    precision: str

    def loss(self, network: Network, episodes: Sequence[Episode]) -> EpisodeLoss:
        """Return the mean over the episodes, with a single graph; images are normalised."""
        if self.learner == "protonet":
            with autocast(self.precision, episodes[0].support_images.device):
                return prototype_loss(network, episodes, temperature=self.temperature)
        pure = PureNetwork(network, batchnorm="transductive", precision=self.precision)
        weights: dict[str, Tensor] = dict(network.named_parameters())
        of_one = maml_loss if self.learner == "maml" else anil_loss
        results = [
            of_one(pure, weights, episode, steps=self.inner_steps, lr=self.inner_lr)
            for episode in episodes
        ]
        return _mean_of(results)

    def backward(self, network: Network, episodes: Sequence[Episode]) -> EpisodeLoss:
        """Return the same loss, detached, and add its gradient to the network's.

        Episodes that share only the weights run one after another, which keeps a single graph in
        memory.
        """
        together = self.episodes_at_once(len(episodes))
        results = []
        for start in range(0, len(episodes), together):
            result = self.loss(network, episodes[start : start + together])
            torch.autograd.backward(result.loss * (together / len(episodes)))
            results.append(EpisodeLoss(result.loss.detach(), result.accuracy))
        return _mean_of(results)

    def episodes_at_once(self, n_episodes: int) -> int:
        """Return how many episodes share a graph; ProtoNet's share batch statistics."""
        return n_episodes if self.learner == "protonet" else 1


def passes_of(kind: str, inner_steps: int, *, k_shot: int, n_query: int) -> int:
    """Return the cost of an episode, in images per class that pass forward and backward.

    A gradient through MAML's inner step costs a pass of the support images and two gradients of it,
    twice the work of one.
    """
    if kind == "maml":
        return n_query + 2 * inner_steps * k_shot
    return n_query + k_shot


def _query_loss(logits: Tensor, labels: Tensor) -> EpisodeLoss:
    return EpisodeLoss(class_loss(logits, labels), accuracy(logits, labels))


def _mean_of(results: Sequence[EpisodeLoss]) -> EpisodeLoss:
    return EpisodeLoss(
        torch.stack([result.loss for result in results]).mean(),
        sum(result.accuracy for result in results) / len(results),
    )
