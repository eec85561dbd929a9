"""Rules that map ATen operators to ONNX nodes; importing a module registers them."""

from metalearn.browser_graphs.operators import (
    activations,
    arithmetic,
    convolution,
    layer_norm,
    layers,
    lookup,
    padding,
    reductions,
    resizing,
    shaping,
)

__all__ = [
    "activations",
    "arithmetic",
    "convolution",
    "layer_norm",
    "layers",
    "lookup",
    "padding",
    "reductions",
    "resizing",
    "shaping",
]
