"""Episodes: one few-shot task, a support set to learn from and a query set to be judged on."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from metalearn.errors import InvalidData


@dataclass(frozen=True)
class Episode:
    """Support and query images in [0, 1] with labels 0 … n_way-1."""

    support_images: Float[Tensor, "support channels height width"]
    support_labels: Int[Tensor, " support"]
    query_images: Float[Tensor, "query channels height width"]
    query_labels: Int[Tensor, " query"]

    @property
    def n_way(self) -> int:
        """Number of classes."""
        return int(self.support_labels.max()) + 1


def sample_episode(
    images_by_class: list[Tensor],
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    rng: torch.Generator,
) -> Episode:
    """Draw an episode; `images_by_class[c]` holds the images (n_c, c, h, w) of class c.

    Classes with fewer than k_shot + n_query images are left out. Raises InvalidData when
    fewer than n_way classes remain. uint8 images are scaled to [0, 1].
    """
    need = k_shot + n_query
    usable = [images for images in images_by_class if len(images) >= need]
    if len(usable) < n_way:
        raise InvalidData(
            f"An episode of {n_way} classes with {need} images each cannot be drawn: "
            f"only {len(usable)} classes have that many images."
        )
    chosen = torch.randperm(len(usable), generator=rng)[:n_way].tolist()
    drawn = []
    for index in chosen:
        picks = torch.randperm(len(usable[index]), generator=rng)[:need]
        drawn.append(usable[index][picks.to(usable[index].device)])
    labels = torch.arange(n_way, device=drawn[0].device)
    return Episode(
        support_images=_unit(torch.cat([images[:k_shot] for images in drawn])),
        support_labels=labels.repeat_interleave(k_shot),
        query_images=_unit(torch.cat([images[k_shot:] for images in drawn])),
        query_labels=labels.repeat_interleave(n_query),
    )


def _unit(images: Tensor) -> Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images
