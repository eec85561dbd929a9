"""Episodes: one few-shot task, a support set to learn from and a query set to be judged on."""

from collections.abc import Sequence
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
    tracks_by_class: list[Tensor] | None = None,
) -> Episode:
    """Draw an episode; `images_by_class[c]` holds the images (n_c, c, h, w) of class c.

    Classes with fewer than k_shot + n_query images are left out. Raises InvalidData when
    fewer than n_way classes remain. uint8 images are scaled to [0, 1].

    `tracks_by_class[c]` (n_c,) tells which images of a class show the same thing; no query image
    is then of the same track as a support image, and classes too small for that are left out.
    """
    need = k_shot + n_query
    tracks: Sequence[Tensor | None] = tracks_by_class or [None] * len(images_by_class)
    usable = [
        (images, numbers)
        for images, numbers in zip(images_by_class, tracks, strict=True)
        if len(images) >= need and (numbers is None or _is_enough(numbers, k_shot, n_query))
    ]
    if len(usable) < n_way:
        raise InvalidData(
            f"An episode of {n_way} classes with {need} images each cannot be drawn: "
            f"only {len(usable)} classes have that many images"
            f"{' on different tracks' if tracks_by_class else ''}."
        )
    chosen = torch.randperm(len(usable), generator=rng)[:n_way].tolist()
    drawn = []
    for index in chosen:
        images, numbers = usable[index]
        order = torch.randperm(len(images), generator=rng)
        picks = order if numbers is None else _apart(order, numbers, k_shot)
        drawn.append(images[picks[:need].to(images.device)])
    labels = torch.arange(n_way, device=drawn[0].device)
    return Episode(
        support_images=_unit(torch.cat([images[:k_shot] for images in drawn])),
        support_labels=labels.repeat_interleave(k_shot),
        query_images=_unit(torch.cat([images[k_shot:] for images in drawn])),
        query_labels=labels.repeat_interleave(n_query),
    )


def _is_enough(tracks: Tensor, k_shot: int, n_query: int) -> bool:
    """Whether n_query images are left on other tracks, whatever support is drawn."""
    sizes = torch.unique(tracks, return_counts=True)[1].sort(descending=True).values
    return int(sizes[k_shot:].sum()) >= n_query


def _apart(order: Tensor, tracks: Tensor, k_shot: int) -> Tensor:
    """The order without those behind the first k_shot that are of one of their tracks."""
    support, rest = order[:k_shot], order[k_shot:]
    return torch.cat([support, rest[~torch.isin(tracks[rest], tracks[support])]])


def _unit(images: Tensor) -> Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images
