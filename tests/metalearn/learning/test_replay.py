"""Episodic losses against the same thing written another way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.learning.inner_loop import PureNetwork
from metalearn.learning.replay import (
    LEARNERS,
    EpisodeLoss,
    Replay,
    anil_loss,
    maml_loss,
    prototype_loss,
)
from metalearn.networks import Network
from metalearn.numerics.episode import Episode


@pytest.fixture
def network(make_teacher: Callable[..., Any]) -> Network:
    return make_teacher().network.requires_grad_(True).train()


def episode(seed: int) -> Episode:
    rng = torch.Generator().manual_seed(seed)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    return Episode(
        torch.rand(6, 3, 16, 16, generator=rng),
        labels,
        torch.rand(6, 3, 16, 16, generator=rng),
        labels,
    )


def test_prototype_loss_is_cross_entropy_to_nearest_means(network: Network) -> None:
    task = episode(0)
    result = prototype_loss(network, [task], temperature=0.5)
    features = F.normalize(network.embed(torch.cat([task.support_images, task.query_images])))
    means = torch.stack([features[:6][task.support_labels == c].mean(0) for c in range(3)])
    logits = torch.stack([-((q - means) ** 2).sum(1) / 0.5 for q in features[6:]])
    assert torch.allclose(result.loss, F.cross_entropy(logits, task.query_labels), atol=1e-5)
    hits = (logits.argmax(1) == task.query_labels).float().mean().item()
    assert result.accuracy == pytest.approx(hits)


def test_prototype_loss_updates_the_running_statistics_from_all_episodes_at_once(
    network: Network,
) -> None:
    before = network.blocks[0].norm.num_batches_tracked.item()
    prototype_loss(network, [episode(0), episode(1)], temperature=0.1)
    assert network.blocks[0].norm.num_batches_tracked.item() == before + 1


def test_maml_differentiates_through_its_inner_step(network: Network) -> None:
    # Against finite differences of the whole procedure, in one direction of the weights.
    network = network.double().eval()
    task = episode(2)
    task = Episode(
        task.support_images.double(),
        task.support_labels,
        task.query_images.double(),
        task.query_labels,
    )
    pure = PureNetwork(network)
    name = pure.head_weight
    start = {key: value.detach() for key, value in network.named_parameters()}
    direction = torch.randn(start[name].shape, dtype=torch.float64)

    def loss_at(step: float) -> tuple[Tensor, Tensor]:
        weights = {key: value.clone().requires_grad_() for key, value in start.items()}
        weights[name] = (start[name] + step * direction).requires_grad_()
        result = maml_loss(pure, weights, task, steps=2, lr=0.5)
        (gradient,) = torch.autograd.grad(result.loss, weights[name])
        return result.loss.detach(), gradient

    slope = (loss_at(0.0)[1] * direction).sum()
    width = 1e-5
    measured = (loss_at(width)[0] - loss_at(-width)[0]) / (2 * width)
    assert slope.item() == pytest.approx(measured.item(), rel=1e-4)


def test_anil_adapts_the_head_alone_and_equals_logistic_regression_steps(
    network: Network,
) -> None:
    network.eval()
    task = episode(3)
    pure = PureNetwork(network)
    weights: dict[str, Tensor] = dict(network.named_parameters())
    result = anil_loss(pure, weights, task, steps=3, lr=0.1)
    head = torch.nn.Linear(network.feature_dim, 3)
    head.load_state_dict(network.output_layer.state_dict())
    with torch.no_grad():
        support, query = network.embed(task.support_images), network.embed(task.query_images)
    optimiser = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        F.cross_entropy(head(support), task.support_labels).backward()
        optimiser.step()
    expected = F.cross_entropy(head(query), task.query_labels)
    assert result.loss.item() == pytest.approx(expected.item(), rel=1e-4)
    gradients = torch.autograd.grad(result.loss, list(weights.values()))
    assert all(gradient.abs().sum() > 0 for gradient in gradients[-2:])


@pytest.mark.parametrize("learner", LEARNERS)
def test_one_episode_after_another_gives_the_gradient_of_all_together(
    network: Network, learner: str
) -> None:
    replay = Replay(learner, inner_steps=2, inner_lr=0.1, temperature=0.5, precision="fp32")
    episodes = [episode(seed) for seed in range(3)]
    together = replay.loss(network, episodes)
    gradients = torch.autograd.grad(together.loss, list(network.parameters()), allow_unused=True)
    apart = replay.backward(network, episodes)
    assert apart.loss.item() == pytest.approx(together.loss.item(), rel=1e-4)
    assert apart.accuracy == pytest.approx(together.accuracy)
    assert not apart.loss.requires_grad
    for weight, gradient in zip(network.parameters(), gradients, strict=True):
        if gradient is not None:
            assert weight.grad is not None and torch.allclose(weight.grad, gradient, atol=1e-5)


@pytest.mark.parametrize(("learner", "graphs"), [("protonet", 1), ("maml", 5), ("anil", 5)])
def test_only_protonets_episodes_share_a_graph(
    network: Network, monkeypatch: pytest.MonkeyPatch, learner: str, graphs: int
) -> None:
    sizes = []
    loss = Replay.loss

    def seen(self: Replay, network: Network, episodes: list[Episode]) -> EpisodeLoss:
        sizes.append(len(episodes))
        return loss(self, network, episodes)

    monkeypatch.setattr(Replay, "loss", seen)
    replay = Replay(learner, inner_steps=1, inner_lr=0.1, temperature=0.5, precision="fp32")
    replay.backward(network, [episode(seed) for seed in range(5)])
    assert len(sizes) == graphs
    assert sum(sizes) == 5
