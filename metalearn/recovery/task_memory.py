"""A bounded in-memory store of recovered tasks, 8 bits per channel, sampled across teachers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from metalearn.numerics.episode import Episode, sample_episode
from metalearn.shapes import Images, Labels


class TaskMemory:
    """Recovered images by class, in ring buffers of at most `images_per_class` images each.

    Classes of the same name are one class, even from different teachers, as in FREE. At most
    `max_bytes` are held. If `n_classes` need more, the rings are shortened down to `fewest_images`;
    beyond that, the oldest classes are evicted.
    """

    def __init__(
        self,
        *,
        n_classes: int,
        images_per_class: int,
        image_bytes: int,
        max_bytes: int,
        fewest_images: int = 1,
    ) -> None:
        self.image_bytes = image_bytes
        self._n_known = n_classes
        affordable = max(fewest_images, max_bytes // (n_classes * image_bytes))
        self.images_per_class = max(1, min(images_per_class, affordable))
        self.most_classes = max_bytes // (self.images_per_class * image_bytes)
        self.n_tasks = 0
        self._n_recovered = 0
        self._rings: dict[str, Tensor] = {}
        self._written: dict[str, int] = {}

    @property
    def most_images(self) -> int:
        return min(self.most_classes, self._n_known) * self.images_per_class

    @property
    def n_images(self) -> int:
        return sum(len(images) for images in self.images_by_class())

    @property
    def n_recovered(self) -> int:
        """Number of images added since the start, including replaced ones."""
        return self._n_recovered

    @property
    def n_classes(self) -> int:
        return len(self._rings)

    def add(self, images: Images, labels: Labels, class_names: Sequence[str]) -> None:
        """Add a recovered task; `class_names[label]` names an image's class."""
        pixels = (images.detach() * 255).round().clamp(0, 255).to(torch.uint8).cpu()
        owners = labels.cpu()
        for label, name in enumerate(class_names):
            self._write(name, pixels[owners == label])
        self.n_tasks += 1

    def images_by_class(self) -> list[Tensor]:
        """Return the images (n_c, c, h, w) of each class, uint8, oldest class first."""
        return [
            ring[: min(self._written[name], self.images_per_class)]
            for name, ring in self._rings.items()
        ]

    def can_sample(self, *, n_way: int, need: int) -> bool:
        return sum(len(images) >= need for images in self.images_by_class()) >= n_way

    def sample(self, *, n_way: int, k_shot: int, n_query: int, rng: torch.Generator) -> Episode:
        """Return an episode whose classes may come from different teachers."""
        return sample_episode(
            self.images_by_class(), n_way=n_way, k_shot=k_shot, n_query=n_query, rng=rng
        )

    def draw(self, n: int, rng: torch.Generator) -> Tensor | None:
        """Draw `n` uint8 images, with equal probability per class; None if the memory is empty."""
        held = self.images_by_class()
        if not held:
            return None
        classes = torch.randint(len(held), (n,), generator=rng).tolist()
        shares = torch.rand(n, generator=rng).tolist()
        places = zip(classes, shares, strict=True)
        return torch.stack([held[c][int(share * len(held[c]))] for c, share in places])

    def images_of(
        self, class_names: Sequence[str], per_class: int, rng: torch.Generator
    ) -> Tensor | None:
        """Draw `per_class` uint8 images of each class, or return None if one has fewer.

        The images cycle through the classes. They may come from any teacher with a class of that
        name.
        """
        drawn = []
        for name in class_names:
            held = min(self._written.get(name, 0), self.images_per_class)
            if held < per_class:
                return None
            drawn.append(self._rings[name][torch.randperm(held, generator=rng)[:per_class]])
        return torch.stack(drawn, dim=1).flatten(0, 1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "n_tasks": self.n_tasks,
            "n_recovered": self._n_recovered,
            "names": list(self._rings),
            "written": [self._written[name] for name in self._rings],
            "images": [images.clone() for images in self.images_by_class()],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.n_tasks = state["n_tasks"]
        # Older releases evicted no class and had no separate counter.
        self._n_recovered = state.get("n_recovered", sum(state["written"]))
        self._rings, self._written = {}, {}
        for name, written, images in zip(
            state["names"], state["written"], state["images"], strict=True
        ):
            self._rings[name] = self._empty_ring(images)
            self._rings[name][: len(images)] = images
            self._written[name] = written

    def _write(self, name: str, images: Tensor) -> None:
        if not len(images):
            return
        self._n_recovered += len(images)
        images = images[-self.images_per_class :]
        if name not in self._rings:
            self._make_room()
            self._rings[name] = self._empty_ring(images)
            self._written[name] = 0
        start = self._written[name]
        places = torch.arange(start, start + len(images)) % self.images_per_class
        self._rings[name][places] = images
        self._written[name] += len(images)

    def _make_room(self) -> None:
        while self._rings and len(self._rings) >= self.most_classes:
            first = next(iter(self._rings))
            del self._rings[first], self._written[first]

    def _empty_ring(self, like: Tensor) -> Tensor:
        return like.new_zeros(self.images_per_class, *like.shape[1:])
