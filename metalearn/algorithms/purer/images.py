from collections.abc import Sequence

import torch
from torch import Tensor, nn

from metalearn.numerics.augmentation import crop_and_colour
from metalearn.numerics.episode import Episode
from metalearn.numerics.preparation import per_channel
from metalearn.shapes import Batch, Images

COPIES = 3
"""The images and two moments of their optimiser."""


class LearnableImages(nn.Module):
    """Images as parameters, normalised for the learner and initialised from N(0, 1).

    `of_class[c][i]` is the i-th image of the class `names[c]`. Each class is a separate parameter,
    so that an optimiser skips classes that no sampled teacher knows. With one dense parameter, its
    moments would keep moving them.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        per_class: int,
        size: tuple[int, int],
        normalisation: tuple[Sequence[float], Sequence[float]],
        rng: torch.Generator,
    ) -> None:
        super().__init__()
        channels, side = size
        self.index = {name: place for place, name in enumerate(names)}
        self.mean, self.std = normalisation
        noise = torch.randn(len(names), per_class, channels, side, side, generator=rng)
        self.of_class = nn.ParameterList(nn.Parameter(one.clone()) for one in noise)
        self.per_class = per_class

    @property
    def n_recovered(self) -> int:
        return len(self.of_class) * self.per_class

    def of_classes(self, names: Sequence[str]) -> Images:
        """Return all images of some classes, differentiable; labels cycle through the classes."""
        own = [self.of_class[self.index[name]] for name in names]
        return torch.stack(own, dim=1).flatten(0, 1)

    def unit(self, images: Images) -> Images:
        """Undo the normalisation. Not clamped to [0, 1], so that gradients reach every pixel."""
        return images * per_channel(self.std, images) + per_channel(self.mean, images)

    def changed(self, images: Images, *, strength: float, rng: torch.Generator) -> Images:
        pictures = crop_and_colour(self.unit(images).clamp(0, 1), strength=strength, rng=rng)
        return (pictures - per_channel(self.mean, images)) / per_channel(self.std, images)

    def episode(self, *, n_way: int, k_shot: int, n_query: int, rng: torch.Generator) -> Episode:
        classes = torch.randperm(len(self.index), generator=rng)[:n_way].tolist()
        picks = [self._picks(k_shot + n_query, rng) for _ in classes]
        drawn = [self.of_class[c][pick] for c, pick in zip(classes, picks, strict=True)]
        labels = torch.arange(n_way, device=drawn[0].device)
        return Episode(
            support_images=torch.cat([images[:k_shot] for images in drawn]),
            support_labels=labels.repeat_interleave(k_shot),
            query_images=torch.cat([images[k_shot:] for images in drawn]),
            query_labels=labels.repeat_interleave(n_query),
        )

    def _picks(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.randperm(self.per_class, generator=rng)[:n]

    @torch.no_grad()
    def mixed(self, batch: int) -> list[Batch]:
        flat = torch.cat(list(self.of_class)).detach()
        order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))
        # A last batch of one image would have no variance.
        n_batches = max(1, len(flat) // batch)
        return [flat[part] for part in torch.chunk(order, n_batches)]


def classes_that_fit(per_class: int, size: tuple[int, int], max_mb: int) -> int:
    return max_mb * 2**20 // class_bytes(per_class, size)


def megabytes_for(n_classes: int, per_class: int, size: tuple[int, int]) -> int:
    return -(-n_classes * class_bytes(per_class, size) // 2**20)


def class_bytes(per_class: int, size: tuple[int, int]) -> int:
    """Return the bytes of one class's images and their optimiser; `size` is channels and pixels."""
    channels, side = size
    return COPIES * 4 * per_class * channels * side**2
