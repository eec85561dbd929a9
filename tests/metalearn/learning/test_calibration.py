"""ICFIL: its loss against values worked out by hand, and what its steps do."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_leaves

from metalearn.learning.calibration import (
    AdaptedHead,
    Calibration,
    ContrastiveForm,
    calibrate,
    contrastive_step,
    cosine_loss,
    inversion_loss,
    inversion_step,
    poster_loss,
    recover_pseudo_images,
)
from metalearn.learning.inner_loop import (
    PureNetwork,
    balanced_targets,
    class_centroids,
    predict,
    sgd_step,
)
from metalearn.meta_learner import AdaptationSettings
from metalearn.networks import Network, NetworkSpec, build_network

SETTINGS = Calibration(
    pseudo_images=2, inversion_steps=5, inversion_lr=0.1, lr=1e-4, temperature=5.0
)
LINEAR = AdaptedHead(None, 1.0)


@pytest.fixture(scope="module")
def network() -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 8, 3, 16, 3))
        with torch.no_grad():
            for _ in range(5):
                network.train()(torch.randn(64, 3, 16, 16))
    return network.eval()


@pytest.fixture(scope="module")
def pure(network: Network) -> PureNetwork:
    return PureNetwork(network)


def _images(n: int, seed: int = 1) -> Tensor:
    return torch.randn(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_the_posters_loss_has_the_value_worked_out_by_hand() -> None:
    real = torch.tensor([[1.0, 0.0]])
    pseudo = torch.tensor([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])  # dot products 2, 0, -1
    same = torch.tensor([[True, True, False]])
    whole = math.exp(4) + 1 + math.exp(-2)
    expected = -math.log(math.exp(4) / whole) - math.log(1 / whole)
    assert poster_loss(real, pseudo, same, temperature=0.5).item() == pytest.approx(expected)


def test_the_cosine_loss_has_the_value_worked_out_by_hand() -> None:
    real = torch.tensor([[1.0, 0.0]])
    pseudo = torch.tensor([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])  # cosines 1, 0, -1
    same = torch.tensor([[True, True, False]])
    expected = -math.log((math.exp(2) + 1) / (math.exp(2) + 1 + math.exp(-2)))
    assert cosine_loss(real, pseudo, same, temperature=0.5).item() == pytest.approx(expected)


def _pairs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    real, pseudo = torch.randn(6, 8, generator=rng), torch.randn(9, 8, generator=rng)
    return real, torch.arange(3).repeat(2), pseudo, torch.arange(3).repeat(3)


def test_the_posters_loss_is_its_equation_term_by_term() -> None:
    real, real_labels, pseudo, pseudo_labels = _pairs()
    total = 0.0
    for x, label in zip(real, real_labels, strict=True):
        near = [math.exp((x @ z).item() / 2) for z in pseudo]
        for one, other in zip(near, pseudo_labels, strict=True):
            if other == label:
                total -= math.log(one / sum(near))
    same = real_labels[:, None] == pseudo_labels[None, :]
    loss = poster_loss(real, pseudo, same, temperature=2.0)
    assert loss.item() == pytest.approx(total, rel=1e-5)


def test_the_cosine_loss_sums_over_a_class_inside_the_logarithm() -> None:
    real, real_labels, pseudo, pseudo_labels = _pairs()
    total = 0.0
    for x, label in zip(real, real_labels, strict=True):
        near = [math.exp(F.cosine_similarity(x, z, dim=0).item() / 0.2) for z in pseudo]
        own = [n for n, other in zip(near, pseudo_labels, strict=True) if other == label]
        total -= math.log(sum(own) / sum(near)) / len(real)
    same = real_labels[:, None] == pseudo_labels[None, :]
    loss = cosine_loss(real, pseudo, same, temperature=0.2)
    assert loss.item() == pytest.approx(total, rel=1e-5)


def test_the_poster_punishes_one_far_image_of_a_class_and_the_cosine_form_does_not() -> None:
    real = torch.tensor([[1.0, 0.0]])
    pseudo = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])  # one near, one far, a stranger
    same = torch.tensor([[True, True, False]])
    near_alone = torch.tensor([[True, False, False]])
    for loss, least in ((poster_loss, 10.0), (cosine_loss, 0.0)):
        more = loss(real, pseudo, same, temperature=0.1)
        more -= loss(real, pseudo, near_alone, temperature=0.1)
        assert (more > least) == (loss is poster_loss)


def test_the_poster_is_the_default_and_the_form_is_a_setting(pure: PureNetwork) -> None:
    real, pseudo = (
        (_images(6), torch.arange(3).repeat(2)),
        (_images(6, seed=2), torch.arange(6) % 3),
    )
    given = (pure, pure.weights(), real, pseudo)
    losses = {
        form: contrastive_step(*given, temperature=5.0, lr=0.0, form=form)[0].item()
        for form in ("poster", "cosine")
    }
    assert contrastive_step(*given, temperature=5.0, lr=0.0)[0].item() == losses["poster"]
    assert losses["poster"] > 2 * losses["cosine"]
    assert AdaptationSettings().icfil_loss == "poster"


def test_inversion_makes_images_the_learner_takes_for_the_class_asked_for(
    pure: PureNetwork,
) -> None:
    labels = torch.arange(3).repeat_interleave(4)
    settings = Calibration(4, inversion_steps=40, inversion_lr=0.1, lr=0.1, temperature=0.5)
    recovered = recover_pseudo_images(
        pure,
        pure.weights(),
        labels,
        head=LINEAR,
        calibration=settings,
        rng=torch.Generator().manual_seed(0),
    )
    assert (predict(pure, pure.weights(), recovered).argmax(1) == labels).float().mean() > 0.9


def test_an_inversion_step_lowers_the_loss_and_moves_each_image_by_its_rate(
    pure: PureNetwork,
) -> None:
    images = _images(6)
    targets = F.one_hot(torch.arange(3).repeat(2), 3).float()
    loss, stepped = inversion_step(
        pure, pure.weights(), images, targets, head=LINEAR, lr=torch.tensor(0.01)
    )
    after = inversion_loss(pure, pure.weights(), stepped, targets, head=LINEAR)
    assert after < loss
    size = (stepped - images).square().mean((1, 2, 3)).sqrt()
    torch.testing.assert_close(size, torch.full((6,), 0.01), rtol=1e-3, atol=0)


def test_the_inversion_loss_is_the_sum_of_its_terms_worked_out_layer_by_layer(
    pure: PureNetwork, network: Network
) -> None:
    images, truth = _images(6), [0, 1, 2, 0, 1, 2]
    x, distances = images, []
    for block in network.blocks:
        x = F.conv2d(x, block.conv.weight, block.conv.bias, padding=1)
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        known, spread = block.norm.running_mean, block.norm.running_var
        distances.append((mean - known).norm() + (var - spread).norm())
        unit = (x - known.view(-1, 1, 1)) / (spread.view(-1, 1, 1) + block.norm.eps).sqrt()
        scaled = unit * block.norm.weight.view(-1, 1, 1) + block.norm.bias.view(-1, 1, 1)
        x = F.max_pool2d(scaled.relu(), 2)
    logits = x.flatten(1) @ network.output_layer.weight.T + network.output_layer.bias
    entropy = logits.logsumexp(1).mean() - logits[range(6), truth].mean()
    rows = sum((images[..., i + 1, :] - images[..., i, :]).abs().mean() for i in range(15)) / 15
    columns = sum((images[..., i + 1] - images[..., i]).abs().mean() for i in range(15)) / 15
    expected = entropy + 0.1 * sum(distances) / 4 + 0.01 * (rows + columns)
    targets = F.one_hot(torch.tensor(truth), 3).float()
    found = inversion_loss(pure, pure.weights(), images, targets, head=LINEAR)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_inversion_loss_grows_when_statistics_leave_the_running_ones(
    pure: PureNetwork,
) -> None:
    images = _images(12)
    targets = F.one_hot(torch.arange(3).repeat(4), 3).float()
    near = inversion_loss(pure, pure.weights(), images, targets, head=LINEAR)
    far = inversion_loss(pure, pure.weights(), 30 + images, targets, head=LINEAR)
    assert far > near + 1


def test_inversion_works_through_centroids(pure: PureNetwork) -> None:
    support, labels = _images(6), torch.arange(3).repeat(2)
    features = pure.features(pure.weights(), support)
    head = AdaptedHead(class_centroids(features, balanced_targets(labels, 3)), 0.2)
    pseudo, targets = _images(3, seed=2), torch.eye(3)
    loss, stepped = inversion_step(pure, pure.weights(), pseudo, targets, head=head, lr=0.02)
    assert inversion_loss(pure, pure.weights(), stepped, targets, head=head) < loss


@pytest.mark.parametrize(("form", "lr"), [("poster", 1e-4), ("cosine", 0.01)])
def test_a_contrastive_step_lowers_the_loss_and_leaves_the_head_alone(
    pure: PureNetwork, form: ContrastiveForm, lr: float
) -> None:
    real, pseudo = (_images(6), torch.arange(3).repeat(2)), (_images(3, seed=2), torch.arange(3))
    weights = pure.weights()
    loss, stepped = contrastive_step(pure, weights, real, pseudo, temperature=2.0, lr=lr, form=form)
    after, _ = contrastive_step(pure, stepped, real, pseudo, temperature=2.0, lr=lr, form=form)
    assert after < loss
    assert torch.equal(stepped["head.weight"], weights["head.weight"])
    assert not torch.equal(stepped["blocks.0.conv.weight"], weights["blocks.0.conv.weight"])


def test_calibration_depends_on_its_generator_alone_and_changes_nothing_it_was_given(
    pure: PureNetwork,
) -> None:
    weights = pure.weights()
    before = {name: value.clone() for name, value in weights.items()}
    batches = [(_images(6), torch.arange(3).repeat(2))] * 2
    results = [
        calibrate(
            pure,
            weights,
            batches,
            head=LINEAR,
            calibration=SETTINGS,
            rng=torch.Generator().manual_seed(seed),
        )
        for seed in (0, 0, 1)
    ]
    for name, value in weights.items():
        assert torch.equal(value, before[name])
        assert torch.equal(results[0][name], results[1][name])
    name = "blocks.3.conv.weight"
    assert not torch.equal(results[0][name], results[2][name])
    assert not torch.equal(results[0][name], weights[name])


@pytest.mark.long
def test_every_step_can_be_recorded_as_a_graph(
    pure: PureNetwork,
) -> None:
    images, pseudo = _images(11), _images(7, seed=2)
    labels, pseudo_labels = torch.arange(11) % 3, torch.arange(7) % 3
    targets, pseudo_targets = torch.eye(3)[labels], torch.eye(3)[pseudo_labels]
    lr, weights = torch.tensor(0.1), pure.weights()
    steps = {
        "sgd": lambda w, x, z: sgd_step(pure, w, x, targets, lr=lr),
        "inversion": lambda w, x, z: inversion_step(pure, w, z, pseudo_targets, head=LINEAR, lr=lr),
        "contrastive": lambda w, x, z: contrastive_step(
            pure, w, (x, labels), (z, pseudo_labels), temperature=0.5, lr=lr
        ),
    }
    for name, step in steps.items():
        graph = make_fx(step, tracing_mode="real")(weights, images, pseudo)
        recorded = tree_leaves(graph(weights, images, pseudo))
        for one, other in zip(recorded, tree_leaves(step(weights, images, pseudo)), strict=True):
            torch.testing.assert_close(one, other, msg=name)
