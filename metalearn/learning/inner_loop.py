"""The inner loop: a network as a pure function of its weights, adapted to one support set.

Nothing here changes a module or tensor in place: every step takes weights and returns new ones. The
same functions serve adaptation, meta-training and the graphs for the browser.
"""

import copy
from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from metalearn.networks import Network
from metalearn.numerics.precision import autocast
from metalearn.shapes import Features, Images, Labels, Logits, Scalar

Weights = Mapping[str, Tensor]

BatchNormMode = Literal["inductive", "transductive"]


class PureNetwork:
    """A network as a function of (weights, normalised images).

    `batchnorm="inductive"` uses the network's running statistics, so that an image's result does
    not depend on the rest of the batch. `"transductive"` uses the batch's statistics and leaves the
    running ones alone. Running statistics are read from the given network at each call; its
    parameters and training mode are ignored. `precision` as in `precision.py`.
    """

    def __init__(
        self,
        network: Network,
        *,
        batchnorm: BatchNormMode = "inductive",
        precision: str = "fp32",
    ) -> None:
        self.batchnorm = batchnorm
        self.precision = precision
        self.head_weight = f"{network.head_name}.weight"
        self.head_bias = f"{network.head_name}.bias"
        self.structure = _structure(network, batchnorm)
        self._source = network
        self._statistics: Weights = {}
        self._shell = _Shell(self.structure)

    def weights(self) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in self._source.named_parameters()}

    def statistics(self) -> dict[str, Tensor]:
        return dict(self._source.named_buffers()) | dict(self._statistics)

    def with_statistics(self, statistics: Weights) -> "PureNetwork":
        """Return the same network with these running statistics, which makes them arguments too."""
        other = copy.copy(self)
        other._statistics = dict(statistics)
        return other

    def logits(self, weights: Weights, images: Images) -> Logits:
        """Return logits of the linear head, one per row of its weight in `weights`."""
        return self._call(weights, images, head=True)

    def features(self, weights: Weights, images: Images) -> Features:
        return self._call(weights, images, head=False)

    def _call(self, weights: Weights, images: Tensor, *, head: bool) -> Tensor:
        state = self.statistics() | dict(weights)
        images = images.contiguous(memory_format=torch.channels_last)
        with autocast(self.precision, images.device):
            result: Tensor = functional_call(self._shell, state, (images, head))
        return result.float() if result.dtype == torch.bfloat16 else result


class _Shell(nn.Module):
    """Adapter that lets `functional_call` reach `embed` and the head under their own names.

    It shares the network's tables instead of being its parent, so names need no prefix. The head is
    called here rather than in `forward`: a new one may have other classes than VOLO's second head.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        for table in ("_modules", "_parameters", "_buffers", "_non_persistent_buffers_set"):
            self.__dict__[table] = network.__dict__[table]
        self.__dict__["_network"] = network

    def forward(self, images: Tensor, head: bool) -> Tensor:
        network: Network = self.__dict__["_network"]
        features: Tensor = network.embed(images)
        return network.output_layer(features) if head else features


def _structure(network: Network, batchnorm: BatchNormMode) -> Network:
    """Return a copy without storage, so that a weight that was not passed in cannot be used."""
    # deepcopy does not copy what the memo holds, so the weights are never duplicated.
    outlines = {id(p): nn.Parameter(p.to("meta"), False) for p in network.parameters()}
    buffers = {id(buffer): buffer.to("meta") for buffer in network.buffers()}
    structure = copy.deepcopy(network, outlines | buffers).eval()
    for module in structure.modules():
        if isinstance(module, _BatchNorm) and batchnorm == "transductive":
            # This way PyTorch uses the batch's statistics and updates nothing.
            module.train()
            module.track_running_stats = False
    return structure


def balanced_targets(labels: Labels, n_way: int) -> Logits:
    """Return one row per image and one column per class, with equal weight for each class.

    Rows of a balanced set are one-hot. In an unbalanced one they are scaled by n / (n_way * images
    of the class), so that a large class does not dominate.
    """
    one_hot = F.one_hot(labels.long(), n_way).to(torch.get_default_dtype())
    return one_hot * (len(labels) / (n_way * one_hot.sum(0).clamp(min=1)))


def classification_loss(logits: Logits, targets: Logits) -> Scalar:
    """Return the cross entropy to rows of targets, averaged over the images."""
    return -(targets * logits.log_softmax(1)).sum(1).mean()


def sgd_step(
    network: PureNetwork,
    weights: Weights,
    images: Images,
    targets: Logits,
    *,
    lr: float | Scalar,
    create_graph: bool = False,
) -> tuple[Scalar, dict[str, Tensor]]:
    """Take one gradient descent step on all weights; return the loss before it and new weights.

    `targets` come from `balanced_targets`, with as many columns as the head has rows. With
    `create_graph` the result is differentiable with respect to `weights`, through the step's own
    gradient (second order, as in MAML: Finn et al. 2017); otherwise it is detached.
    """
    weights = {
        name: value if create_graph and value.requires_grad else value.detach().requires_grad_()
        for name, value in weights.items()
    }
    with torch.enable_grad():
        loss = classification_loss(network.logits(weights, images), targets)
        return loss.detach(), descend(loss, weights, lr=lr, create_graph=create_graph)


def descend(
    loss: Scalar, weights: Weights, *, lr: float | Scalar, create_graph: bool = False
) -> dict[str, Tensor]:
    """Return weights after one step down the gradient of `loss`; unused weights do not change."""
    gradients = torch.autograd.grad(
        loss, list(weights.values()), create_graph=create_graph, allow_unused=True
    )
    stepped = {
        name: value if gradient is None else value - lr * gradient
        for (name, value), gradient in zip(weights.items(), gradients, strict=True)
    }
    if create_graph:
        return stepped
    return {name: value.detach() for name, value in stepped.items()}


def adapt(
    network: PureNetwork,
    weights: Weights,
    images: Images,
    labels: Labels,
    *,
    steps: int,
    lr: float,
    create_graph: bool = False,
) -> dict[str, Tensor]:
    """Return weights after `steps` full-batch steps on a support set (algorithms.md 0.4).

    All weights are updated. The number of classes is that of the rows of the head in `weights`.
    Images are normalised.
    """
    targets = balanced_targets(labels, len(weights[network.head_weight])).to(images)
    for _ in range(steps):
        _, weights = sgd_step(network, weights, images, targets, lr=lr, create_graph=create_graph)
    return dict(weights)


def class_centroids(features: Features, targets: Logits) -> Tensor:
    """Return the mean of the normalised features of each class, shape (n_way, features)."""
    shares = targets / targets.sum(0)
    return shares.T @ F.normalize(features, dim=1)


def centroid_logits(
    features: Features, centroids: Tensor, *, temperature: float | Scalar
) -> Logits:
    """Return minus squared distance to the centroids over temperature (Snell et al. 2017).

    Features are normalised first, so the squared distance is in [0, 4] for any network.
    """
    distances = torch.cdist(F.normalize(features, dim=1), centroids).square()
    return -distances / temperature


def predict(
    network: PureNetwork,
    weights: Weights,
    images: Images,
    *,
    centroids: Tensor | None = None,
    temperature: float | Scalar = 1.0,
) -> Logits:
    """Return logits of the linear head, or of the nearest of `centroids` if given."""
    if centroids is None:
        return network.logits(weights, images)
    features = network.features(weights, images)
    return centroid_logits(features, centroids, temperature=temperature)


def head_from_centroids(
    centroids: Tensor, *, temperature: float | Scalar, feature_norm: Scalar
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the linear head equivalent to nearest centroids.

    ProtoMAML's start for a number of classes other than the learned head's (Triantafillou et al.
    2020, eq. 7-8): w_k = 2 c_k and b_k = -|c_k|^2, over temperature. The head's input is not
    normalised, so the weight is divided by the typical norm.
    """
    weight = 2 * centroids / (temperature * feature_norm)
    return weight, -centroids.square().sum(1) / temperature


def prototype_head(
    features: Features, targets: Logits, *, temperature: float | Scalar
) -> tuple[Tensor, Tensor]:
    return head_from_centroids(
        class_centroids(features, targets),
        temperature=temperature,
        feature_norm=features.norm(dim=1).mean().clamp(min=1e-6),
    )
