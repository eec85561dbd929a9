"""Choice of a teacher without data, by few-shot tasks of textures."""

import torch

from metalearn.learning.inner_loop import balanced_targets, centroid_logits, class_centroids
from metalearn.numerics.episode import Episode
from metalearn.numerics.losses import accuracy
from metalearn.numerics.preparation import MOST_PIXELS
from metalearn.pool import Pool, Teacher
from metalearn.procedural.textures import texture_task

_TASKS, _WAY, _SHOT, _QUERY = 12, 5, 1, 5


@torch.no_grad()
def few_shot_accuracy(teacher: Teacher, episode: Episode) -> float:
    """Return a teacher's nearest-centroid accuracy on query images in [0, 1]."""
    device = next(teacher.network.parameters()).device
    support, query = (
        teacher.features(images.to(device)).float()
        for images in (episode.support_images, episode.query_images)
    )
    shares = balanced_targets(episode.support_labels.to(device), episode.n_way)
    logits = centroid_logits(query, class_centroids(support, shares), temperature=1.0)
    return accuracy(logits, episode.query_labels.to(device))


def best_by_textures(pool: Pool, rng: torch.Generator) -> int:
    tasks = [
        texture_task(
            n_way=_WAY,
            k_shot=_SHOT,
            n_query=_QUERY,
            channels=pool.channels,
            image_size=min(pool.image_size, MOST_PIXELS),
            rng=rng,
        )
        for _ in range(_TASKS)
    ]
    scores = [sum(few_shot_accuracy(t, task) for task in tasks) for t in pool.teachers]
    return max(range(len(scores)), key=lambda index: scores[index])
