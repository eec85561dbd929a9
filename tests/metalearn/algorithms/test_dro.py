"""DRO's three gradient steps against formulas derived by hand for linear maps."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.algorithm import StepReport, train
from metalearn.algorithms.dro.algorithm import Dro
from metalearn.algorithms.dro.hyper_network import HyperNetwork, Layout, ascended, log_likelihood
from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.pool import Pool
from metalearn.registry import make_algorithm
from tests.recorded import recorded

CPU = torch.device("cpu")


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    return Pool(tuple(make_teacher(name) for name in "abcde"))


def make(pool: Pool, seed: int = 0, **settings: Any) -> Dro:
    chosen = {"embedding_dim": 4, "statistics": "merged"} | settings
    run = make_algorithm("dro", pool, chosen, device=CPU, seed=seed)
    assert isinstance(run, Dro)
    return run


def test_a_network_becomes_one_row_and_its_parameters_again(
    make_teacher: Callable[..., Any],
) -> None:
    network = make_teacher().network
    layout = Layout(network, with_head=True)
    row = layout.row(network)
    assert len(row) == sum(layout.layer_sizes) == sum(p.numel() for p in network.parameters())
    # Four convolutions, four norms, one head.
    assert layout.layer_sizes[:3] == [4 * 3 * 9 + 4, 8, 4 * 4 * 9 + 4]
    assert len(layout.layer_sizes) == 9
    again = layout.parameters(row)
    assert all(torch.equal(again[name], p) for name, p in network.named_parameters())
    assert len(Layout(network, with_head=False).layer_sizes) == 8


def test_the_likelihood_is_minus_the_squared_distance_over_the_variance() -> None:
    given, true = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.0, 0.0, 3.0])
    assert log_likelihood(given, true, 2.0).item() == pytest.approx(-3)


def test_a_step_up_is_value_plus_rate_times_gradient() -> None:
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    found = ascended({"v": value}, -(value**2).sum(), lr=0.1)
    assert torch.allclose(found["v"], torch.tensor([0.8, 1.6]))
    assert not found["v"].requires_grad


def test_maps_start_small_and_embeddings_of_length_about_one() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hyper = HyperNetwork([300, 700], n_models=200, dim=20)
    assert abs(float(hyper.embeddings.detach().norm(dim=1).mean()) - 1) < 0.05
    assert hyper(hyper.embeddings[0]).norm() < 0.3


class ByHand:
    """The same step in closed form: with r = W e + b - t, d/dW |r|^2 = 2 r e', d/de = 2 W' r."""

    def __init__(self, algorithm: Dro) -> None:
        self.w = torch.cat([layer.weight.detach().clone() for layer in algorithm.hyper.maps])
        self.b = torch.cat([layer.bias.detach().clone() for layer in algorithm.hyper.maps])
        self.e = algorithm.hyper.embeddings.detach().clone()
        self.t = algorithm.targets
        self.c = algorithm.config

    def step(self, i: int, j: int) -> None:
        c, scale = self.c, 2 / self.c.variance
        w, b, e = self.w.clone(), self.b.clone(), self.e[i].clone()
        for _ in range(c.inner_steps):
            r = scale * (w @ e + b - self.t[i])
            down = w.T @ r
            w, b = w - c.inner_lr * r.outer(e), b - c.inner_lr * r
            e = e - c.inner_lr * down
        self.e[i] = e
        worst = self.e[j].clone()
        for _ in range(c.inner_steps):
            r = scale * (w @ worst + b - self.t[j])
            # Down log P + gamma |e - e'|^2, whose gradient is -W' r + 2 gamma (e' - e).
            worst = worst - c.inner_lr * (-(w.T @ r) + 2 * c.gamma * (worst - self.e[j]))
        r = scale * (w @ worst + b - self.t[j])
        self.w -= c.outer_lr * r.outer(worst)
        self.b -= c.outer_lr * r
        self.e[j] -= c.outer_lr * (w.T @ r)


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_steps_are_those_derived_by_hand(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, inner_steps: int
) -> None:
    algorithm = make(
        pool, inner_steps=inner_steps, inner_lr=0.2, outer_lr=0.1, gamma=1.5, variance=1.3
    )
    expected, drawn = ByHand(algorithm), list[Any]()
    monkeypatch.setattr(algorithm, "_draw", recorded(algorithm._draw, drawn))
    for _ in range(4):
        algorithm.step()
        expected.step(*drawn[-2:])
    hyper = algorithm.hyper
    linear: list[Any] = list(hyper.maps)
    found = torch.cat([layer.weight for layer in linear])
    assert torch.allclose(found, expected.w, atol=1e-6)
    assert torch.allclose(torch.cat([layer.bias for layer in linear]), expected.b, atol=1e-6)
    assert torch.allclose(hyper.embeddings, expected.e, atol=1e-6)


def test_models_are_drawn_from_their_own_side_of_the_split(pool: Pool) -> None:
    algorithm = make(pool)
    assert len(algorithm.support) == 4 and len(algorithm.query) == 1
    assert sorted(algorithm.support + algorithm.query) == list(range(5))
    assert {algorithm._draw(algorithm.support) for _ in range(60)} == set(algorithm.support)
    two = make(Pool(pool.teachers[:2]), support_share=0.95)
    assert len(two.support) == len(two.query) == 1


def test_the_worst_embedding_is_less_likely_than_the_models_own_and_held_back_by_gamma(
    pool: Pool,
) -> None:
    loose, tight = (make(pool, gamma=gamma, inner_steps=5, inner_lr=0.05) for gamma in (0.0, 9.0))
    distances = []
    for algorithm in (loose, tight):
        j, phi = algorithm.query[0], dict(algorithm.hyper.map_parameters())
        own = algorithm.hyper.embeddings[j].detach()
        worst = algorithm._worst_embedding(phi, j)
        likelihoods = [algorithm._likelihood(phi, e, j).item() for e in (worst, own)]
        assert likelihoods[0] < likelihoods[1]
        distances.append(float((worst - own).norm()))
    assert distances[1] < distances[0]


def means_of(reports: list[StepReport], name: str) -> tuple[float, float]:
    values = [report.metrics[name] for report in reports]
    return sum(values[:10]) / 10, sum(values[-30:]) / 30


def test_it_learns_to_give_the_weights_of_the_models_in_q(pool: Pool) -> None:
    first, last = means_of(list(train(make(pool, outer_steps=150))), "robust_log_likelihood")
    assert first < -0.3 and last > 0.05 * first


@pytest.mark.long
def test_a_split_drawn_anew_in_every_step_lets_it_learn_all_models(pool: Pool) -> None:
    found = {}
    for split in ("fixed", "every_step"):
        algorithm = make(pool, outer_steps=300, outer_lr=0.1, embedding_dim=8, split=split)
        found[split] = means_of(list(train(algorithm)), "log_likelihood")[1]
    assert found["every_step"] > 0.5 * found["fixed"]


def test_the_learner_is_what_the_mean_embedding_gives_with_averaged_statistics(pool: Pool) -> None:
    algorithm = make(pool, outer_steps=3)
    list(train(algorithm))
    learner, hyper = algorithm.meta_learner(), algorithm.hyper
    mean = hyper.embeddings.detach().mean(0)
    first = hyper.maps[0].weight @ mean + hyper.maps[0].bias
    expected = (first * algorithm.unit)[: 4 * 27].view(4, 3, 3, 3)
    assert torch.allclose(learner.network.blocks[0].conv.weight, expected, atol=1e-6)
    each = [t.network.get_buffer("blocks.1.norm.running_var") for t in pool.teachers]
    statistics = torch.stack(each).mean(0)
    assert torch.allclose(learner.network.blocks[1].norm.running_var, statistics)


def test_weights_are_measured_in_their_root_mean_square_norm(pool: Pool) -> None:
    algorithm = make(pool)
    assert algorithm.targets.square().sum(1).mean().item() == pytest.approx(1, rel=1e-5)


def test_unlike_class_counts_give_a_fresh_head(tiny_pool: Pool) -> None:
    algorithm = make(tiny_pool, outer_steps=1, n_way=4)
    list(train(algorithm))
    head = algorithm.meta_learner().network.output_layer
    assert head.out_features == 4
    assert torch.equal(head.weight, algorithm.learner.output_layer.weight)


def test_a_hyper_network_too_large_and_a_pool_without_two_of_a_kind_are_refused(
    pool: Pool, make_teacher: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidSetting, match="lower embedding_dim to 143 or raise memory_mb to 7"):
        make(pool, embedding_dim=1000, memory_mb=1)
    with pytest.raises(InvalidPool, match="same architecture and width"):
        make(Pool((make_teacher("a"), make_teacher("w", width=5))))


def test_rates_that_diverge_end_the_run_with_advice(pool: Pool) -> None:
    algorithm = make(pool, inner_lr=10.0, outer_lr=10.0, outer_steps=500)
    with pytest.raises(InvalidSetting, match="diverged.*lower learning rates"):
        list(train(algorithm))
