"""Recovered images in several teachers' feature spaces, projected to the plane by t-SNE."""

import importlib.util

import torch

from metalearn.bench.rows import Row
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool

N_TEACHERS = 4
_FEWEST_IMAGES = 6


def can_project() -> bool:
    return importlib.util.find_spec("sklearn") is not None


@torch.no_grad()
def through_teachers(recovered: Episode, pool: Pool, device: torch.device) -> Row | None:
    """Return t-SNE positions (n, 2) of the images for each of the first teachers, and their labels.

    Uses the teachers' features (van der Maaten & Hinton 2008). None without scikit-learn or with
    too few images.
    """
    images = torch.cat([recovered.support_images, recovered.query_images]).to(device)
    labels = torch.cat([recovered.support_labels, recovered.query_labels])
    if not can_project() or len(images) < _FEWEST_IMAGES:
        return None
    teachers = pool.teachers[:N_TEACHERS]
    features = [teacher.network.embed(teacher.prepare(images)).float() for teacher in teachers]
    return {
        "labels": labels.tolist(),
        "teachers": [
            {"name": teacher.name, "places": _places(rows.cpu())}
            for teacher, rows in zip(teachers, features, strict=True)
        ],
    }


def _places(features: torch.Tensor) -> list[list[float]]:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(features) - 1) / 3)
    layout = TSNE(perplexity=perplexity, init="pca", random_state=0)
    places = layout.fit_transform(features.numpy())
    return [[round(float(x), 2), round(float(y), 2)] for x, y in places]
