"""Tasks made by rule: reproducible, in range, and neither trivial nor hopeless."""

from typing import Any

import pytest
import torch

from metalearn.learning.inner_loop import balanced_targets, centroid_logits, class_centroids
from metalearn.numerics.episode import Episode
from metalearn.procedural.textures import texture_task


def task(seed: int = 0, **changes: Any) -> Episode:
    sizes = {"n_way": 3, "k_shot": 2, "n_query": 4, "channels": 3, "image_size": 12}
    return texture_task(**(sizes | changes), rng=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_task_has_the_sizes_asked_for_and_values_of_pictures(channels: int) -> None:
    episode = task(channels=channels)
    assert episode.support_images.shape == (6, channels, 12, 12)
    assert episode.query_images.shape == (12, channels, 12, 12)
    assert episode.n_way == 3
    both = torch.cat([episode.support_images, episode.query_images])
    assert 0 <= both.min() < 0.3 and 0.7 < both.max() <= 1


def test_the_same_seed_gives_the_same_task_and_another_another() -> None:
    assert torch.equal(task(1).query_images, task(1).query_images)
    assert not torch.equal(task(1).query_images, task(2).query_images)


def test_images_of_a_class_differ() -> None:
    images = task().support_images
    assert not torch.allclose(images[0], images[1], atol=0.1)


def test_textures_can_be_told_apart_but_not_by_their_pixels() -> None:
    # By the spectrum, which does not see where a wave begins, and by the raw pixels.
    hits: dict[str, list[Any]] = {"spectrum": [], "pixels": []}
    for seed in range(20):
        episode = task(seed, n_way=5, k_shot=5, n_query=5, image_size=16)
        for name in hits:
            support, query = (
                (torch.fft.rfft2(images).abs() if name == "spectrum" else images).flatten(1)
                for images in (episode.support_images - 0.5, episode.query_images - 0.5)
            )
            shares = balanced_targets(episode.support_labels, 5)
            logits = centroid_logits(query, class_centroids(support, shares), temperature=1.0)
            hits[name].append((logits.argmax(1) == episode.query_labels).float().mean())
    spectrum, pixels = (float(torch.stack(values).mean()) for values in hits.values())
    assert spectrum > 0.6 > pixels
