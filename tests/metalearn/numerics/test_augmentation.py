"""Random changes keep range and shape, and follow the generator they are given."""

import pytest
import torch

from metalearn.numerics.augmentation import crop_and_colour, crop_some, mirror_some, shift_and_flip


def images() -> torch.Tensor:
    return torch.rand(5, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def test_without_a_shift_an_image_is_only_mirrored() -> None:
    seen = set()
    for seed in range(12):
        rng = torch.Generator().manual_seed(seed)
        shown = shift_and_flip(images(), max_shift=0, rng=rng)
        same = torch.equal(shown, images())
        assert same or torch.equal(shown, images().flip(-1))
        seen.add(same)
    assert seen == {True, False}


def test_a_shift_moves_the_whole_batch_alike_and_fills_with_black() -> None:
    white = torch.ones(3, 1, 8, 8)
    shown = shift_and_flip(white, max_shift=3, rng=torch.Generator().manual_seed(1))
    assert torch.equal(shown[0], shown[2])
    assert set(shown.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_crops_keep_shape_and_range(strength: float) -> None:
    changed = crop_and_colour(images(), strength=strength, rng=torch.Generator().manual_seed(0))
    assert changed.shape == images().shape
    assert 0 <= changed.min() <= changed.max() <= 1


def test_strength_zero_only_mirrors_each_image_for_itself() -> None:
    changed = crop_and_colour(images(), strength=0.0, rng=torch.Generator().manual_seed(0))
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(changed, images(), strict=True)]
    mirrored = [
        torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(changed, images(), strict=True)
    ]
    assert all(a or b for a, b in zip(same, mirrored, strict=True))
    assert any(same)
    assert any(mirrored)


def test_gradients_reach_the_pixels() -> None:
    pixels = images().requires_grad_()
    shift_and_flip(pixels, max_shift=2, rng=torch.Generator().manual_seed(0)).sum().backward()
    assert pixels.grad.abs().sum() > 0


def test_some_images_are_mirrored_and_the_others_stay_as_they_are() -> None:
    chosen = images()
    shown = mirror_some(chosen, rng=torch.Generator().manual_seed(0))
    same = [torch.equal(a, b) for a, b in zip(shown, chosen, strict=True)]
    turned = [torch.equal(a, b.flip(-1)) for a, b in zip(shown, chosen, strict=True)]
    assert any(same) and any(turned)
    assert all(a or b for a, b in zip(same, turned, strict=True))


@pytest.mark.parametrize("mirror", [False, True])
def test_a_window_of_the_whole_is_the_image_or_its_mirror_image(mirror: bool) -> None:
    rng = torch.Generator().manual_seed(0)
    shown = crop_some(images(), strength=0.0, mirror=mirror, rng=rng)
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(shown, images(), strict=True)]
    turned = [
        torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(shown, images(), strict=True)
    ]
    assert all(a or b for a, b in zip(same, turned, strict=True))
    assert any(turned) == mirror


def test_a_window_enlarges_a_part_of_its_image() -> None:
    gradient = torch.linspace(0, 1, 12).expand(20, 1, 12, 12)
    rng = torch.Generator().manual_seed(0)
    shown = crop_some(gradient, strength=1.0, mirror=False, rng=rng)
    spans = shown[..., -1] - shown[..., 0]
    assert (spans.flatten() < 1).all() and (spans.flatten() > 0.4).all()
