"""Pictures become what a network takes."""

import torch

from metalearn.numerics.preparation import prepare_images


def test_every_channel_is_normalised_by_its_own_numbers() -> None:
    images = torch.full((1, 2, 4, 4), 0.5)
    ready = prepare_images(images, size=4, mean=(0.1, 0.5), std=(0.2, 0.25))
    assert torch.allclose(ready[0, 0], torch.tensor(2.0))
    assert (ready[0, 1] == 0).all()


def test_halving_the_size_averages_neighbours() -> None:
    # Antialiased bilinear, by 2: inner pixels are triangle-weighted means (1, 3, 3, 1) / 8.
    row = torch.tensor([0.0, 0, 0, 0, 1, 1, 1, 1])
    ready = prepare_images(row.expand(1, 1, 8, 8), size=4, mean=(0.0,), std=(1.0,))
    assert torch.allclose(ready[0, 0, 0], torch.tensor([0, 1 / 8, 7 / 8, 1]))


def test_resizing_lets_gradients_through() -> None:
    images = torch.rand(1, 1, 6, 5).requires_grad_()
    prepare_images(images, size=4, mean=(0.0,), std=(1.0,)).sum().backward()
    assert (images.grad != 0).all()
