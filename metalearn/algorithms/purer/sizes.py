import math

from metalearn.algorithms.purer.config import SMALLEST, PurerConfig
from metalearn.algorithms.purer.images import classes_that_fit, megabytes_for
from metalearn.errors import InvalidSetting
from metalearn.learning.learner_spec import learner_as_set
from metalearn.networks import NetworkSpec
from metalearn.pool import Pool


def learner_spec(pool: Pool, config: PurerConfig) -> NetworkSpec:
    return learner_as_set(pool, config, n_classes=config.n_way, most_pixels=config.picture_size)


def picture_pixels(config: PurerConfig, learner: NetworkSpec) -> int:
    return min(config.picture_size, learner.image_size)


def most_classes(config: PurerConfig, size: tuple[int, int]) -> int:
    """Return the largest number of classes that get images; `size` is channels and pixels."""
    room = classes_that_fit(config.images_per_class, size, config.memory_mb)
    return min(config.most_classes or room, room)


def check_room(config: PurerConfig, size: tuple[int, int]) -> None:
    room = classes_that_fit(config.images_per_class, size, config.memory_mb)
    if room < config.n_way:
        raise InvalidSetting(
            f"{config.memory_mb} MB hold the images of {room} classes with their optimiser, "
            f"fewer than the {config.n_way} of an episode; {_what_would_fit(config, size)}."
        )
    if 0 < config.most_classes < config.n_way:
        raise InvalidSetting(
            f"An episode needs {config.n_way} classes and most_classes is "
            f"{config.most_classes}; raise it to {config.n_way} or lower n_way."
        )


def check_episode(config: PurerConfig) -> None:
    needed = config.k_shot + config.n_query
    if config.images_per_class < needed:
        raise InvalidSetting(
            f"An episode needs {needed} images of a class and there are "
            f"{config.images_per_class}; raise images_per_class to {needed} or lower k_shot or "
            "n_query."
        )


def _what_would_fit(config: PurerConfig, size: tuple[int, int]) -> str:
    _, side = size
    enough = megabytes_for(config.n_way, config.images_per_class, size)
    fitting = math.isqrt(side**2 * config.memory_mb // enough)
    smaller = f" or lower picture_size to {fitting}" if fitting >= SMALLEST else ""
    return f"raise memory_mb to {enough}{smaller}"
