"""Names and shapes of libraries' networks, which the tests of recognition change."""

from typing import Any

import torch
from torch import nn

from metalearn.networks.libraries import torchvision_models


def without_head(shapes: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {name: shape for name, shape in shapes.items() if not name.startswith("fc.")}


def torchvision_shapes(name: str, n_classes: int = 5, **options: Any) -> dict[str, tuple[Any, ...]]:
    with torch.device("meta"):
        return shapes_of(torchvision_models().get_model(name, num_classes=n_classes, **options))


def shapes_of(model: nn.Module) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
