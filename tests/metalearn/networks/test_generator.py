"""The generator's images, of any size, with and without labels."""

import pytest
import torch

from metalearn.networks.generator import Generator


@pytest.mark.parametrize("image_size", [16, 28, 33, 84])
def test_images_have_the_size_asked_for_and_lie_between_0_and_1(image_size: int) -> None:
    generator = Generator(latent_dim=8, width=8, channels=1, image_size=image_size, n_way=3)
    images = generator(torch.randn(6, 8), torch.tensor([0, 1, 2, 0, 1, 2]))
    assert images.shape == (6, 1, image_size, image_size)
    assert 0 <= images.min() < images.max() <= 1


def test_labels_matter_only_to_the_label_conditional_generator() -> None:
    latents = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    for n_way, differ in ((2, True), (0, False)):
        generator = Generator(latent_dim=8, width=8, channels=3, image_size=16, n_way=n_way)
        one = generator(latents, torch.tensor([0, 1, 0, 1]))
        other = generator(latents, torch.tensor([1, 0, 1, 0]))
        assert torch.equal(one, other) is not differ


def test_a_generator_has_no_running_statistics_to_fall_behind() -> None:
    generator = Generator(latent_dim=8, width=8, channels=3, image_size=16, n_way=2)
    assert not list(generator.buffers())
