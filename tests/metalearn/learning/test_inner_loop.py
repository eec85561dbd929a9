"""The inner loop against hand-computed gradients, and its promises about batches and purity."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.learning.inner_loop import (
    BatchNormMode,
    PureNetwork,
    adapt,
    balanced_targets,
    centroid_logits,
    class_centroids,
    classification_loss,
    head_from_centroids,
    predict,
    sgd_step,
)
from metalearn.networks import Network, NetworkSpec, build_network


class _Linear(Network):
    """Pixels are features, so that gradients can be written down."""

    head_name = "head"

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.spec = NetworkSpec("linear", 1, 1, 2, n_classes)
        self._modules["head"] = nn.Linear(n_features, n_classes)

    @property
    def feature_dim(self) -> int:
        return self.output_layer.in_features

    def embed(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def _conv4(n_classes: int = 5) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 4, 3, 16, n_classes))
        with torch.no_grad():
            for _ in range(3):
                network.train()(torch.randn(32, 3, 16, 16))
    return network.eval()


def _images(n: int, seed: int = 1) -> Tensor:
    return torch.randn(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_one_step_is_the_hand_computed_gradient_of_a_linear_model() -> None:
    pure = PureNetwork(_Linear(4, 3))
    rng = torch.Generator().manual_seed(0)
    weights = {
        "head.weight": torch.randn(3, 4, generator=rng),
        "head.bias": torch.randn(3, generator=rng),
    }
    images, labels = torch.randn(6, 1, 2, 2, generator=rng), torch.tensor([0, 0, 1, 1, 2, 2])
    x = images.flatten(1)
    error = (x @ weights["head.weight"].T + weights["head.bias"]).softmax(1) - F.one_hot(labels, 3)

    stepped = adapt(pure, weights, images, labels, steps=1, lr=0.5)

    torch.testing.assert_close(
        stepped["head.weight"], weights["head.weight"] - 0.5 * error.T @ x / 6
    )
    torch.testing.assert_close(stepped["head.bias"], weights["head.bias"] - 0.5 * error.mean(0))


def test_steps_change_neither_the_network_nor_the_weights_given() -> None:
    network = _conv4()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for mode in ("inductive", "transductive"):
        pure = PureNetwork(network, batchnorm=mode)
        stepped = adapt(
            pure, pure.weights(), _images(10), torch.arange(5).repeat(2), steps=2, lr=0.1
        )
        assert not torch.equal(stepped["blocks.0.conv.weight"], before["blocks.0.conv.weight"])
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_ten_steps_equal_torch_sgd_on_the_module_itself() -> None:
    network = _conv4()
    images, labels = _images(10), torch.arange(5).repeat(2)
    pure = PureNetwork(network)
    stepped = adapt(pure, pure.weights(), images, labels, steps=10, lr=0.05)

    optimiser = torch.optim.SGD(network.parameters(), lr=0.05)
    for _ in range(10):
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimiser.step()

    for name, value in network.named_parameters():
        torch.testing.assert_close(stepped[name], value.detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("mode", ["inductive", "transductive"])
def test_the_second_order_gradient_is_the_finite_difference(mode: BatchNormMode) -> None:
    network = _conv4().double()
    pure = PureNetwork(network, batchnorm=mode)
    images, labels = _images(10).double(), torch.arange(5).repeat(2)
    query = _images(10, seed=2).double()

    def outer(bias: Tensor, *, create_graph: bool) -> Tensor:
        weights = {**pure.weights(), "head.bias": bias}
        adapted = adapt(pure, weights, images, labels, steps=2, lr=0.1, create_graph=create_graph)
        targets = balanced_targets(labels, 5).double()
        return classification_loss(pure.logits(adapted, query), targets)

    bias = pure.weights()["head.bias"].requires_grad_()
    (gradient,) = torch.autograd.grad(outer(bias, create_graph=True), bias)
    nudge = torch.zeros_like(bias)
    nudge[1] = 1e-5
    with torch.no_grad():
        ahead = outer(bias + nudge, create_graph=False)
        behind = outer(bias - nudge, create_graph=False)
    assert gradient[1].item() == pytest.approx((ahead - behind).item() / 2e-5, rel=1e-4)


def test_inductive_features_do_not_depend_on_the_other_images() -> None:
    pure = PureNetwork(_conv4())
    images = _images(75)
    together = pure.logits(pure.weights(), images)
    alone = torch.cat([pure.logits(pure.weights(), image[None]) for image in images])
    torch.testing.assert_close(alone, together, atol=2e-6, rtol=0)


def test_transductive_features_depend_on_the_other_images_and_match_training_mode() -> None:
    network = _conv4()
    pure = PureNetwork(network, batchnorm="transductive")
    images = _images(12)
    together = pure.logits(pure.weights(), images)
    assert (together[:3] - pure.logits(pure.weights(), images[:3])).abs().max() > 1e-3
    torch.testing.assert_close(together, network.train()(images))


def test_a_weight_that_was_not_handed_in_is_not_taken_from_the_network() -> None:
    pure = PureNetwork(_conv4())
    weights = pure.weights()
    del weights["head.bias"]
    with pytest.raises((RuntimeError, NotImplementedError)):
        pure.logits(weights, _images(2)).sum().item()


def test_running_statistics_are_read_anew_at_each_call() -> None:
    network = _conv4()
    pure = PureNetwork(network)
    before = pure.logits(pure.weights(), _images(2))
    network.train()(_images(8, seed=3))
    assert not torch.equal(before, pure.logits(pure.weights(), _images(2)))


def test_targets_of_a_balanced_set_are_one_hot() -> None:
    labels = torch.tensor([2, 0, 1, 0, 2, 1])
    torch.testing.assert_close(balanced_targets(labels, 3), F.one_hot(labels, 3).float())


def test_targets_of_an_unbalanced_set_give_each_class_the_same_weight() -> None:
    targets = balanced_targets(torch.tensor([0] * 9 + [1]), 2)
    assert targets.sum(0).tolist() == pytest.approx([5.0, 5.0])


def test_centroids_are_means_of_normalised_features_of_each_class() -> None:
    features = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.0, -1.0]])
    centroids = class_centroids(features, balanced_targets(torch.tensor([0, 0, 1]), 2))
    torch.testing.assert_close(centroids, torch.tensor([[0.5, 0.5], [0.0, -1.0]]))


def test_the_nearest_centroid_has_the_largest_logit() -> None:
    centroids = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    logits = centroid_logits(torch.tensor([[9.0, 1.0], [0.1, 4.0]]), centroids, temperature=0.5)
    assert logits.argmax(1).tolist() == [0, 1]
    u = 9 / 82**0.5, 1 / 82**0.5
    assert logits[0, 0].item() == pytest.approx(-((u[0] - 1) ** 2 + u[1] ** 2) / 0.5, abs=1e-5)


def test_the_linear_head_from_centroids_decides_as_the_nearest_centroid_does() -> None:
    rng = torch.Generator().manual_seed(0)
    centroids = F.normalize(torch.randn(4, 8, generator=rng), dim=1)
    features = 3 * F.normalize(torch.randn(20, 8, generator=rng), dim=1)
    weight, bias = head_from_centroids(centroids, temperature=0.3, feature_norm=torch.tensor(3.0))
    expected = centroid_logits(features, centroids, temperature=0.3)
    torch.testing.assert_close((features @ weight.T + bias).softmax(1), expected.softmax(1))


def test_predict_takes_centroids_where_they_are_given() -> None:
    pure = PureNetwork(_conv4())
    weights, images = pure.weights(), _images(6)
    centroids = class_centroids(
        pure.features(weights, images), balanced_targets(torch.tensor([0, 1] * 3), 2)
    )
    assert predict(pure, weights, images, centroids=centroids, temperature=0.1).shape == (6, 2)
    torch.testing.assert_close(predict(pure, weights, images), pure.logits(weights, images))


def test_bf16_layers_give_float32_results_close_to_exact_ones() -> None:
    network = _conv4()
    half = PureNetwork(network, precision="bf16")
    logits = half.logits(half.weights(), _images(4))
    assert logits.dtype == torch.float32
    exact = PureNetwork(network).logits(half.weights(), _images(4))
    torch.testing.assert_close(logits, exact, atol=0.1, rtol=0.1)


def test_a_step_returns_the_loss_before_it() -> None:
    pure = PureNetwork(_conv4())
    weights, images = pure.weights(), _images(5)
    targets = balanced_targets(torch.arange(5), 5)
    loss, stepped = sgd_step(pure, weights, images, targets, lr=0.05)
    torch.testing.assert_close(loss, F.cross_entropy(pure.logits(weights, images), torch.arange(5)))
    assert classification_loss(pure.logits(stepped, images), targets) < loss
