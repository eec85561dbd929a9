"""Generator of recovered images, from latents and optional labels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.shapes import Images, Labels, Latents


class Generator(nn.Module):
    """Network from latents (and labels) to images in [0, 1] of `image_size` pixels.

    Linear to a map of a quarter of the size, batch-norm, then twice: nearest up-sampling by 2, 3x3
    convolution, batch-norm, leaky ReLU; a last 3x3 convolution and a sigmoid (algorithms.md 1.3).
    With `n_way` > 0 half of the first map's channels come from the one-hot label, as in the
    task-robust follow-up; with `n_way` = 0 it uses latents only, as in FREE. Batch-norm always uses
    the batch's statistics.
    """

    def __init__(
        self, *, latent_dim: int, width: int, channels: int, image_size: int, n_way: int
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.n_way = n_way
        self.width = width
        self.map_size = -(-image_size // 4)
        area = self.map_size**2
        n_label = width // 2 if n_way else 0
        self.from_latent = nn.Linear(latent_dim, (width - n_label) * area)
        self.from_label = nn.Linear(n_way, n_label * area) if n_way else None
        self.norm0 = nn.BatchNorm2d(width, track_running_stats=False)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width, track_running_stats=False)
        self.conv2 = nn.Conv2d(width, width // 2, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width // 2, track_running_stats=False)
        self.to_image = nn.Conv2d(width // 2, channels, 3, padding=1)

    def forward(self, latents: Latents, labels: Labels) -> Images:
        """Return (n, channels, image_size, image_size); `labels` are ignored without `n_way`."""
        x = self.norm0(self._first_map(latents, labels))
        x = F.leaky_relu(self.norm1(self.conv1(_upsample(x))), 0.2)
        x = F.leaky_relu(self.norm2(self.conv2(_upsample(x))), 0.2)
        size = self.image_size
        return torch.sigmoid(self.to_image(x).float())[..., :size, :size]

    def _first_map(self, latents: Tensor, labels: Tensor) -> Tensor:
        parts = [self.from_latent(latents)]
        if self.from_label is not None:
            one_hot = F.one_hot(labels.long(), self.n_way).to(latents)
            parts.append(self.from_label(one_hot))
        flat = torch.cat(parts, dim=1)
        maps = flat.view(len(latents), self.width, self.map_size, self.map_size)
        return maps.contiguous(memory_format=torch.channels_last)


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
