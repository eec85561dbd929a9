"""From an embedding to all weights of a network: one linear map for each layer."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from metalearn.networks import Network
from metalearn.shapes import Scalar

Embedding = Float[Tensor, " embedding_dim"]
Weights = Float[Tensor, " n_weights"]
"""All weights of a network in one row, layer by layer."""


class Layout:
    """Where each parameter lies in the row of weights; with or without the head."""

    def __init__(self, network: Network, *, with_head: bool) -> None:
        heads = tuple(f"{name}." for name in (network.head_name, *network.beside_head))
        self.shapes = {
            name: tuple(parameter.shape)
            for name, parameter in network.named_parameters()
            if with_head or not name.startswith(heads)
        }

    @property
    def layer_sizes(self) -> list[int]:
        """Number of weights of each layer; a layer is a module that has parameters of its own."""
        sizes: dict[str, int] = {}
        for name, shape in self.shapes.items():
            layer = name.rpartition(".")[0]
            sizes[layer] = sizes.get(layer, 0) + torch.Size(shape).numel()
        return list(sizes.values())

    def row(self, network: Network) -> Weights:
        """A network's weights in one row, detached."""
        parameters = dict(network.named_parameters())
        return torch.cat([parameters[name].detach().flatten() for name in self.shapes])

    def parameters(self, row: Weights) -> dict[str, Tensor]:
        """A row of weights as parameters by their names."""
        sizes = [torch.Size(shape).numel() for shape in self.shapes.values()]
        pieces = zip(self.shapes.items(), torch.split(row, sizes), strict=True)
        return {name: piece.view(shape) for (name, shape), piece in pieces}


class HyperNetwork(nn.Module):
    """f_phi, together with the table of embeddings, which is learned jointly.

    Its output is in units of the models' root mean square norm. Embeddings start from
    N(0, 1 / dim), of length about 1; the maps so small that the output starts near zero.
    """

    def __init__(self, layer_sizes: Sequence[int], *, n_models: int, dim: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.randn(n_models, dim) / dim**0.5)
        self.maps = nn.ModuleList(nn.Linear(dim, size) for size in layer_sizes)
        for layer in self.maps:
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=0.1 / sum(layer_sizes) ** 0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, embedding: Embedding) -> Weights:
        """All weights of the network for an embedding."""
        return torch.cat([layer(embedding) for layer in self.maps])

    def map_parameters(self) -> dict[str, nn.Parameter]:
        """phi: the parameters but for the embeddings, by their names in the state dict."""
        return {f"maps.{name}": value for name, value in self.maps.named_parameters()}


def log_likelihood(given: Weights, true: Weights, variance: float) -> Scalar:
    """log P(theta | f_phi(e)) up to a constant: -||f_phi(e) - theta||^2 / sigma^2."""
    return -(given - true).square().sum() / variance


def ascended(values: Mapping[str, Tensor], objective: Scalar, *, lr: float) -> dict[str, Tensor]:
    """New values, detached, after one step up the gradient of an objective."""
    gradients = torch.autograd.grad(objective, list(values.values()))
    pairs = zip(values.items(), gradients, strict=True)
    return {name: (value + lr * gradient).detach() for (name, value), gradient in pairs}
