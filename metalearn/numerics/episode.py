"""Episodes: few-shot tasks of a support set to learn from and a query set to evaluate on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
        return int(self.support_labels.max()) + 1


class Drawn(NamedTuple):
    """One class of an episode: its index among all classes, and the indices of its drawn images."""

    place: int
    support: Int[Tensor, " k_shot"]
    query: Int[Tensor, " n_query"]


def draw_episode(
    sizes: Sequence[int],
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    rng: torch.Generator,
    tracks_by_class: list[Tensor] | None = None,
) -> list[Drawn]:
    """Draw the images of an episode from classes with `sizes` images; label c is the c-th drawn.

    Classes with fewer than k_shot + n_query images are left out. Raises InvalidData when fewer than
    n_way classes remain.

    `tracks_by_class[c]` (n_c,) gives each image's track: images of one track show the same object.
    Query and support images then come from different tracks, and classes where this is impossible
    are left out, as are those with a single track.
    """
    need = k_shot + n_query
    tracks: Sequence[Tensor | None] = tracks_by_class or [None] * len(sizes)
    usable = [
        index
        for index, (size, numbers) in enumerate(zip(sizes, tracks, strict=True))
        if size >= need and (numbers is None or _can_be_apart(numbers, k_shot, n_query))
    ]
    if len(usable) < n_way:
        raise InvalidData(
            f"An episode of {n_way} classes with {need} images each cannot be drawn: "
            f"only {len(usable)} classes have that many images"
            f"{' on different tracks' if tracks_by_class else ''}."
        )
    drawn = []
    for choice in torch.randperm(len(usable), generator=rng)[:n_way].tolist():
        index = usable[choice]
        order = torch.randperm(sizes[index], generator=rng)
        numbers = tracks[index]
        if numbers is None:
            drawn.append(Drawn(index, order[:k_shot], order[k_shot:need]))
        else:
            drawn.append(Drawn(index, *_apart(order, numbers, k_shot, n_query)))
    return drawn


def sample_episode(
    images_by_class: list[Tensor],
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    rng: torch.Generator,
    tracks_by_class: list[Tensor] | None = None,
) -> Episode:
    """Draw an episode with `draw_episode` from the images (n_c, c, h, w) of each class.

    uint8 images are scaled to [0, 1].
    """
    drawn = draw_episode(
        [len(images) for images in images_by_class],
        n_way=n_way,
        k_shot=k_shot,
        n_query=n_query,
        rng=rng,
        tracks_by_class=tracks_by_class,
    )
    return episode_of(images_by_class, drawn)


def episode_of(images_by_class: list[Tensor], drawn: Sequence[Drawn]) -> Episode:
    """Return the episode of the drawn images (n_c, c, h, w); uint8 is scaled to [0, 1]."""
    support = [_picked(images_by_class[one.place], one.support) for one in drawn]
    query = [_picked(images_by_class[one.place], one.query) for one in drawn]
    labels = torch.arange(len(drawn), device=support[0].device)
    return Episode(
        support_images=unit_scaled(torch.cat(support)),
        support_labels=labels.repeat_interleave(len(drawn[0].support)),
        query_images=unit_scaled(torch.cat(query)),
        query_labels=labels.repeat_interleave(len(drawn[0].query)),
    )


def unit_scaled(images: Tensor) -> Tensor:
    return images.float() / 255 if images.dtype == torch.uint8 else images


def _picked(images: Tensor, picks: Tensor) -> Tensor:
    return images[picks.to(images.device)]


def _can_be_apart(tracks: Tensor, k_shot: int, n_query: int) -> bool:
    return _dealt(tracks, k_shot, n_query) is not None


def _apart(order: Tensor, tracks: Tensor, k_shot: int, n_query: int) -> tuple[Tensor, Tensor]:
    """Return support and query on different tracks, from images in random `order`.

    The support is the first k_shot images, unless that could leave too few images on other tracks.
    Then the tracks, being few and large, are first divided between the two sides.
    """
    of_order = tracks[order]
    sizes = torch.unique(tracks, return_counts=True)[1].sort(descending=True).values
    if int(sizes[k_shot:].sum()) >= n_query:
        support = torch.arange(len(order)) < k_shot
    else:
        dealt = _dealt(of_order, k_shot, n_query)
        assert dealt is not None, "classes where this is impossible are left out"
        support = torch.isin(of_order, torch.tensor(dealt))
    query = ~torch.isin(of_order, of_order[support])
    return order[support][:k_shot], order[query][:n_query]


def _dealt(tracks: Tensor, k_shot: int, n_query: int) -> list[int] | None:
    """Return tracks with at least k_shot images that leave n_query to the others, or None.

    Earlier tracks are preferred.
    """
    sizes = Counter(tracks.tolist())
    # Total number of images -> tracks that have that many together.
    found: dict[int, list[int]] = {0: []}
    for track, size in sizes.items():
        for n, chosen in list(found.items()):
            if n < k_shot:
                found.setdefault(n + size, [*chosen, track])
        for n, chosen in found.items():
            if k_shot <= n <= len(tracks) - n_query:
                return chosen
    return None
