"""What network a run's learner is, as its settings and its pool say."""

from dataclasses import replace

from metalearn.learning.learner_settings import LearnerSettings
from metalearn.networks import NetworkSpec, get_architecture
from metalearn.pool import Pool


def learner_as_set(
    pool: Pool, settings: LearnerSettings, *, n_classes: int, most_pixels: int = 0
) -> NetworkSpec:
    """The learner of these settings for this pool.

    Width 0 is the architecture's usual one. Where the settings leave its size open, it has the
    largest of the pool, or `most_pixels` if given and less. A size below what the architecture
    needs is raised to that.
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
    """A learner of the first teacher's architecture and width, for the pool's largest images."""
    first = pool.teachers[0].spec
    smallest = get_architecture(first.architecture).min_image_size
    return replace(first, image_size=max(pool.image_size, smallest), n_classes=n_classes)
