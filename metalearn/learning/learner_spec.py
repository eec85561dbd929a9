from dataclasses import replace

from metalearn.learning.learner_settings import LearnerSettings
from metalearn.networks import NetworkSpec, get_architecture
from metalearn.pool import Pool


def learner_as_set(
    pool: Pool, settings: LearnerSettings, *, n_classes: int, most_pixels: int = 0
) -> NetworkSpec:
    """Return the learner of these settings for this pool.

    Width 0 means the architecture's usual one. Image size 0 means the largest of the pool, capped
    at `most_pixels` if given. A size below the architecture's minimum is raised to it.
    """
    largest = pool.image_size
    size = settings.learner_image_size or min(largest, most_pixels or largest)
    kind = get_architecture(settings.learner)
    return NetworkSpec(
        architecture=settings.learner,
        width=settings.learner_width or kind.default_width,
        channels=pool.channels,
        image_size=max(size, kind.min_image_size),
        n_classes=n_classes,
    )


def learner_like_teachers(pool: Pool, *, n_classes: int) -> NetworkSpec:
    """Return the first teacher's architecture and width, for the pool's largest images."""
    first = pool.teachers[0].spec
    smallest = get_architecture(first.architecture).min_image_size
    return replace(first, image_size=max(pool.image_size, smallest), n_classes=n_classes)
