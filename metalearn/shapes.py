"""Tensor shapes as types: one name for each kind of tensor that crosses a module border."""

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "n channels height width"]
"""Pictures in [0, 1], before any teacher's normalisation."""

Batch = Float[Tensor, "_ channels height width"]
"""Pictures as one of several batches; those of one list may differ in their number."""

Labels = Int[Tensor, " n"]
"""Labels relative to an episode: 0 … n_way-1."""

Logits = Float[Tensor, "n classes"]
Features = Float[Tensor, "n features"]
Latents = Float[Tensor, "n latent_dim"]
Scalar = Float[Tensor, ""]

__all__ = ["Batch", "Features", "Images", "Labels", "Latents", "Logits", "Scalar"]
