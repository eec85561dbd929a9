"""Shape types, one for each kind of tensor that crosses a module boundary."""

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "n channels height width"]
"""Images in [0, 1], before any teacher's normalisation."""

Batch = Float[Tensor, "_ channels height width"]
"""One of several batches of images; batches in one list may differ in length."""

Labels = Int[Tensor, " n"]
"""Labels relative to an episode: 0 … n_way-1."""

Logits = Float[Tensor, "n classes"]
Features = Float[Tensor, "n features"]
Latents = Float[Tensor, "n latent_dim"]
Scalar = Float[Tensor, ""]

__all__ = ["Batch", "Features", "Images", "Labels", "Latents", "Logits", "Scalar"]
