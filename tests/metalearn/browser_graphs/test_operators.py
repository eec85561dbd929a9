"""Single layers as graphs in double precision: values and gradients are autograd's."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from metalearn.browser_graphs import NotForBrowsers, make_graphs
from metalearn.learning.calibration import AdaptedHead, inversion_step
from metalearn.learning.inner_loop import PureNetwork, sgd_step
from metalearn.networks import Network, NetworkSpec

sys.path.insert(0, str(Path(__file__).parent))
steps_by_hand = importlib.import_module("steps_by_hand")

CHANNELS, N_CLASSES = 2, 3


class Layers(Network):
    """Some layers and a head; the features are mean squares of the last one's maps."""

    head_name = "top"

    def __init__(self, size: int, *layers: nn.Module) -> None:
        super().__init__()
        self.spec = NetworkSpec("layers", 6, CHANNELS, size, N_CLASSES)
        self.body = nn.Sequential(*layers)
        self._dim = self.embed(torch.zeros(1, CHANNELS, size, size)).shape[1]
        self.top = nn.Linear(self._dim, N_CLASSES)

    @property
    def feature_dim(self) -> int:
        return self._dim

    def embed(self, images: Tensor) -> Tensor:
        # Squared: else every place of a map would have the same gradient.
        return self.body(images).square().mean((2, 3))


def assert_a_step_is_autograds(size: int, *layers: nn.Module, images: Tensor | None = None) -> None:
    """One step on the weights and one on the pixels, to the last digits."""
    torch.manual_seed(1)
    network = Layers(size, *layers).double().eval().requires_grad_(False)
    graphs = {g.step.name: g for g in make_graphs(network, dtype=torch.float64)}
    run = steps_by_hand.reference_run(list(graphs.values()))
    weights = {name: p.numpy() for name, p in network.named_parameters()}
    weights |= {n: b.numpy() for n, b in network.named_buffers() if b.is_floating_point()}
    if images is None:
        images = torch.randn(4, CHANNELS, size, size, dtype=torch.float64)
    targets = torch.eye(N_CLASSES, dtype=torch.float64)[[0, 1, 2, 1]]
    pure = PureNetwork(network)
    lr = torch.tensor(0.1, dtype=torch.float64)

    loss, stepped = sgd_step(pure, pure.weights(), images, targets, lr=lr)
    given = {**weights, "images": images.numpy(), "targets": targets.numpy(), "lr": lr.numpy()}
    found = run("sgd", {name: given[name] for name in graphs["sgd"].inputs})
    assert abs(found["loss"] - loss.numpy()) < 1e-12
    for name, value in stepped.items():
        assert np.abs(found[f"new.{name}"] - value.numpy()).max() < 1e-12, name

    head = AdaptedHead(None, 1.0)
    _, moved = inversion_step(pure, pure.weights(), images, targets, head=head, lr=lr)
    given["pseudo"] = images.numpy()
    found = run("invert_head", {name: given[name] for name in graphs["invert_head"].inputs})
    assert np.abs(found["new.pseudo"] - moved.numpy()).max() < 1e-12


class SideBySide(nn.ModuleList):
    """Maps of several layers that see the same."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([layer(images) for layer in self], dim=1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [
        (3, 1, 1, 1),
        (3, 2, 1, 1),
        (5, 2, 2, 1),
        (2, 2, 0, 1),
        (3, 1, 0, 2),
        (3, 2, 2, 2),
        (3, 3, 1, 2),
        (1, 2, 0, 1),
        ((3, 2), (2, 1), (0, 1), (1, 2)),
        (1, 1, 1, 1),
    ],
)
def test_convolutions_of_every_geometry_in_one_two_and_six_groups(
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
    dilation: int | tuple[int, int],
) -> None:
    moves: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    layers = [nn.Conv2d(6, 12, kernel, groups=groups, **moves) for groups in (1, 2, 6)]
    assert_a_step_is_autograds(9, nn.Conv2d(CHANNELS, 6, 1), SideBySide(layers), nn.SiLU())


@pytest.mark.parametrize("bias", [True, False])
def test_depthwise_convolutions_with_and_without_bias(bias: bool) -> None:
    depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=bias)
    assert_a_step_is_autograds(8, nn.Conv2d(CHANNELS, 6, 1), depthwise, nn.SiLU())


@pytest.mark.parametrize(
    "activation", [nn.Hardswish, nn.Hardsigmoid, nn.SiLU, nn.Sigmoid, nn.GELU, nn.ReLU, nn.ReLU6]
)
def test_activations_also_where_their_pieces_meet(activation: Any) -> None:
    images = torch.randn(4, CHANNELS, 5, 5, dtype=torch.float64) * 3
    images[0, 0] = torch.tensor([-4.0, -3.0, 0.0, 3.0, 6.0])
    layers = (activation(), nn.Conv2d(CHANNELS, 6, 1), activation())
    assert_a_step_is_autograds(5, *layers, images=images)


class OverChannels(nn.LayerNorm):
    """Layer-norm over the channels of a map, as ConvNeXt has it."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "layer", [OverChannels(6, eps=1e-6), nn.LayerNorm([4, 4]), nn.LayerNorm([6, 4, 4])]
)
def test_layer_norm_over_channels_and_over_whole_maps(layer: OverChannels | nn.LayerNorm) -> None:
    nn.init.normal_(layer.weight)
    assert_a_step_is_autograds(4, nn.Conv2d(CHANNELS, 6, 1), layer, nn.SiLU())


def test_batch_norm_with_a_large_epsilon_which_graphs_must_not_round() -> None:
    layer = nn.BatchNorm2d(6, eps=1e-3)
    layer.get_buffer("running_var").uniform_(0.01, 0.1)
    assert_a_step_is_autograds(4, nn.Conv2d(CHANNELS, 6, 1), layer, nn.SiLU())


@pytest.mark.parametrize("widths", [(0, 1, 0, 1), (1, 2, 0, 3), (-1, 0, 2, -2), (-1, -2, -1, 0)])
def test_borders_that_are_added_and_cut_off(widths: tuple[int, int, int, int]) -> None:
    layers = (nn.Conv2d(CHANNELS, 6, 1), nn.ZeroPad2d(widths), nn.Conv2d(6, 6, 2), nn.SiLU())
    assert_a_step_is_autograds(6, *layers)


class Attention(nn.Module):
    """Pixels that look at one another, as ViT has them, behind a token that they all see."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 6))
        self.all = nn.Linear(6, 18)

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), pixels], dim=1)
        parts = self.all(tokens).reshape(len(images), -1, 3, 2, 3).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(*parts.unbind(0))
        first = seen.transpose(1, 2).flatten(2)[:, 0]
        return first[:, :, None, None] * images


def test_attention_with_a_token_of_its_own() -> None:
    assert_a_step_is_autograds(4, nn.Conv2d(CHANNELS, 6, 1), Attention())


class Rolled(nn.Module):
    """Maps that go round, with a bias for each place that a table has, as Swin has it."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(7, 6))
        places = torch.arange(25) % 7
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("mask", torch.randn(5, 5).double(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        bias = self.table[self.places].view(5, 5, 6).permute(2, 0, 1)
        return torch.roll(images * bias + self.mask, (-2, 1), (2, 3)) * self.mask


def test_maps_that_go_round_and_numbers_that_no_file_brings() -> None:
    assert_a_step_is_autograds(5, nn.Conv2d(CHANNELS, 6, 1), Rolled())


@pytest.mark.long
@pytest.mark.parametrize(
    "pool",
    [
        nn.AvgPool2d(2),
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False),
    ],
)
def test_where_a_gradient_has_no_graph_the_steps_without_one_are_there(pool: nn.AvgPool2d) -> None:
    torch.manual_seed(1)
    network = Layers(7, nn.Conv2d(CHANNELS, 6, 1), pool).eval().requires_grad_(False)
    graphs = make_graphs(network)
    gradients = {"sgd", "invert_head", "invert_centroids", "contrast", "contrast_poster"}
    assert set(graphs.missing) == gradients
    assert all("avg_pool2d_backward" in reason for reason in graphs.missing.values())
    images = torch.randn(4, CHANNELS, 7, 7)
    given = {name: p.numpy() for name, p in network.named_parameters()}
    run = steps_by_hand.onnxruntime_run(graphs)
    for name, expected in (("features", network.embed(images)), ("logits", network(images))):
        graph = next(one for one in graphs if one.step.name == name)
        inputs = {one: given.get(one, images.numpy()) for one in graph.inputs}
        assert np.abs(run(name, inputs)[name] - expected.numpy()).max() < 1e-5


def test_transposed_convolutions_are_refused_by_name() -> None:
    layers = (nn.Conv2d(CHANNELS, 6, 1), nn.ConvTranspose2d(6, 6, 2))
    with pytest.raises(NotForBrowsers, match="transposed"):
        make_graphs(Layers(5, *layers).eval())
