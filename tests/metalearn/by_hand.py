"""Conv4, Snell's prototypes and divergences written out again, for tests to compare with.

Nothing here comes from the package: plain operations on named tensors, in float64.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5
"""What batch-norm adds to a variance; torch's default."""


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Copies of its weights and running statistics by name."""
    return {name: value.detach().double() for name, value in network.state_dict().items()}


def conv4_features(
    tensors: Mapping[str, Tensor], prepared: Tensor, *, batch_statistics: bool
) -> tuple[Tensor, list[Tensor]]:
    """Features of prepared images, and what goes into each batch-norm layer on the way."""
    x, met = prepared, []
    for block in range(4):
        name = f"blocks.{block}"
        x = F.conv2d(x, tensors[f"{name}.conv.weight"], tensors[f"{name}.conv.bias"], padding=1)
        met.append(x)
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        if not batch_statistics:
            mean = tensors[f"{name}.norm.running_mean"]
            var = tensors[f"{name}.norm.running_var"]
        scale = tensors[f"{name}.norm.weight"] / (var + EPSILON).sqrt()
        x = (x - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1)
        x = x + tensors[f"{name}.norm.bias"].view(1, -1, 1, 1)
        x = F.max_pool2d(x.relu(), 2)
    return x.flatten(1), met


def conv4_logits(
    tensors: Mapping[str, Tensor], prepared: Tensor, *, batch_statistics: bool
) -> Tensor:
    """What its linear head says."""
    features, _ = conv4_features(tensors, prepared, batch_statistics=batch_statistics)
    return features @ tensors["head.weight"].T + tensors["head.bias"]


def prototype_logits(
    support: Tensor, labels: Tensor, query: Tensor, *, temperature: float
) -> Tensor:
    """Minus squared distance to the mean of each class, all features of length one."""
    unit, asked = (x / x.square().sum(1, keepdim=True).sqrt() for x in (support, query))
    means = [unit[labels == label].mean(0) for label in range(int(labels.max()) + 1)]
    return torch.stack([-(asked - mean).square().sum(1) / temperature for mean in means], 1)


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """KL(teacher || student) of each image: sum over classes of p (log p - log q)."""
    p, q = (x.exp() / x.exp().sum(1, keepdim=True) for x in (teacher, student))
    return (p * (p.log() - q.log())).sum(1)


def randomise_norms(network: nn.Module) -> None:
    """Scales and offsets that a forgotten or swapped one would show."""
    rng = torch.Generator().manual_seed(9)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data = 0.5 + torch.rand(layer.weight.shape, generator=rng)
            layer.bias.data = 0.2 * torch.randn(layer.bias.shape, generator=rng)
