"""The hypernetwork: one linear map per layer from an embedding to all weights of a network."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from metalearn.networks import Network
from metalearn.shapes import Scalar

Embedding = Float[Tensor, " embedding_dim"]
Weights = Float[Tensor, " n_weights"]


class Layout:
    def __init__(self, network: Network, *, with_head: bool) -> None:
        heads = tuple(f"{name}." for name in (network.head_name, *network.beside_head))
        self.shapes = {
            name: tuple(parameter.shape)
            for name, parameter in network.named_parameters()
            if with_head or not name.startswith(heads)
        }

    @property
    def layer_sizes(self) -> list[int]:
        """Number of weights per layer. A layer is a module with parameters of its own."""
        sizes: dict[str, int] = {}
        for name, shape in self.shapes.items():
            layer = name.rpartition(".")[0]
            sizes[layer] = sizes.get(layer, 0) + torch.Size(shape).numel()
        return list(sizes.values())

    def row(self, network: Network) -> Weights:
        parameters = dict(network.named_parameters())
        return torch.cat([parameters[name].detach().flatten() for name in self.shapes])

    def parameters(self, row: Weights) -> dict[str, Tensor]:
        sizes = [torch.Size(shape).numel() for shape in self.shapes.values()]
        pieces = zip(self.shapes.items(), torch.split(row, sizes), strict=True)
        return {name: piece.view(shape) for (name, shape), piece in pieces}


class HyperNetwork(nn.Module):
    """f_phi and the jointly learned table of embeddings.

    Its output is in units of the models' root mean square norm. Embeddings are initialised from
    N(0, 1 / dim), with length about 1, and the maps so small that the output starts near zero.
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
        return torch.cat([layer(embedding) for layer in self.maps])

    def map_parameters(self) -> dict[str, nn.Parameter]:
        """Return phi: all parameters except the embeddings, by their names in the state dict."""
        return {f"maps.{name}": value for name, value in self.maps.named_parameters()}


def log_likelihood(given: Weights, true: Weights, variance: float) -> Scalar:
    """Return log P(theta | f_phi(e)) up to a constant: -||f_phi(e) - theta||^2 / sigma^2."""
    return -(given - true).square().sum() / variance


def ascended(values: Mapping[str, Tensor], objective: Scalar, *, lr: float) -> dict[str, Tensor]:
    gradients = torch.autograd.grad(objective, list(values.values()))
    pairs = zip(values.items(), gradients, strict=True)
    return {name: (value + lr * gradient).detach() for (name, value), gradient in pairs}
