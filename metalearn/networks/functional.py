"""Networks called with other weights than their own, differentiably (`torch.func`)."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.func import functional_call

from metalearn.networks.base import Network
from metalearn.shapes import Features, Images, Logits

Weights = Mapping[str, Tensor]
"""Parameters (and, if wanted, buffers) by their name in the state dict."""


class _Embedding(nn.Module):
    """Makes `embed` callable, as functional_call only knows `forward`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.embed(images)


def logits_with(network: Network, weights: Weights, images: Images) -> Logits:
    """`network(images)` with `weights` in place of its own; what is not named stays its own."""
    logits: Tensor = functional_call(network, dict(weights), (images,))
    return logits


def embed_with(network: Network, weights: Weights, images: Images) -> Features:
    """`network.embed(images)` with `weights` in place of its own."""
    inner = {f"network.{name}": tensor for name, tensor in weights.items()}
    features: Tensor = functional_call(_Embedding(network), inner, (images,))
    return features
