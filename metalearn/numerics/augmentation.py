"""Random changes of images that keep their class: shifts, flips, crops, colours."""

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.shapes import Images


def shift_and_flip(images: Images, *, max_shift: int, rng: torch.Generator) -> Images:
    """Shift the whole batch by up to `max_shift` pixels and flip it with probability 1/2.

    The batch shares one draw, as in FREE's inversion. Borders are filled with black.
    """
    down, right = torch.randint(0, 2 * max_shift + 1, (2,), generator=rng).tolist()
    mirror = torch.rand((), generator=rng) < 0.5
    height, width = images.shape[-2:]
    padded = F.pad(images, [max_shift] * 4)
    shifted = padded[..., down : down + height, right : right + width]
    return shifted.flip(-1) if mirror else shifted


def mirror_some(images: Images, *, rng: torch.Generator) -> Images:
    mirrored = torch.rand(len(images), 1, 1, 1, generator=rng) < 0.5
    return torch.where(mirrored.to(images.device), images.flip(-1), images)


def crop_some(images: Images, *, strength: float, mirror: bool, rng: torch.Generator) -> Images:
    """Crop and enlarge each image; with `mirror`, also flip it with probability 1/2.

    At strength 1 a crop keeps between 50 and 100 % of each side, at 0 all of it.
    """
    draws = torch.rand(4, len(images), generator=rng).to(images.device)
    turned = draws[0] < 0.5 if mirror else torch.zeros_like(draws[0], dtype=torch.bool)
    return _windows(images, turned, strength=strength, draws=draws[1:]).clamp(0, 1)


def crop_and_colour(images: Images, *, strength: float, rng: torch.Generator) -> Images:
    """Flip, crop, resize and change brightness and contrast, independently for each image.

    At strength 1 a crop keeps between 50 and 100 % of each side, and brightness and contrast change
    by up to 40 %; 0 only flips. The result is in [0, 1].
    """
    draws = torch.rand(6, len(images), generator=rng).to(images.device)
    cropped = _windows(images, draws[0] < 0.5, strength=strength, draws=draws[1:4])
    return _recolour(cropped, strength * (0.8 * draws[4] - 0.4), strength * (0.8 * draws[5] - 0.4))


def _windows(images: Tensor, mirrored: Tensor, *, strength: float, draws: Tensor) -> Tensor:
    """Return a window of each image; `draws` (3, n) are its size and place in [0, 1]."""
    mirror = torch.where(mirrored, -1.0, 1.0)
    zoom = 1 - 0.5 * strength * draws[0]
    # The window may be anywhere inside the image.
    shift_x, shift_y = (1 - zoom) * (2 * draws[1] - 1), (1 - zoom) * (2 * draws[2] - 1)
    zero = torch.zeros_like(zoom)
    rows = [torch.stack([zoom * mirror, zero, shift_x], 1), torch.stack([zero, zoom, shift_y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _recolour(images: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    contrasted = (images - mean) * (1 + contrast).view(-1, 1, 1, 1) + mean
    return (contrasted * (1 + brightness).view(-1, 1, 1, 1)).clamp(0, 1)
