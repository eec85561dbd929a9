"""How ATen operators become ONNX nodes; importing a module registers its rules."""

from metalearn.browser_graphs.operators import (
    arithmetic,
    convolution,
    forward,
    layers,
    reductions,
    shaping,
)

__all__ = ["arithmetic", "convolution", "forward", "layers", "reductions", "shaping"]
