import math

from metalearn.algorithms.free.recovery_settings import SMALLEST
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.errors import InvalidSetting
from metalearn.learning.learner_spec import learner_as_set
from metalearn.networks import NetworkSpec
from metalearn.networks.generator import Generator
from metalearn.pool import Pool
from metalearn.recovery.task_memory import TaskMemory

_MB = 2**20


def learner_spec(pool: Pool, config: FreeSettings) -> NetworkSpec:
    return learner_as_set(pool, config, n_classes=config.n_way, most_pixels=config.picture_size)


def generator_as_set(pool: Pool, config: FreeSettings, learner: NetworkSpec) -> Generator:
    """Return a generator initialised from the global random generator."""
    return Generator(
        latent_dim=config.latent_dim,
        width=config.generator_width,
        channels=pool.channels,
        image_size=min(config.picture_size, learner.image_size),
        n_way=config.n_way if config.generator_input == "latent+label" else 0,
    )


def new_memory(pool: Pool, config: FreeSettings, *, image_size: int) -> TaskMemory:
    """Return an empty memory; nothing is allocated before images arrive."""
    n_outputs = sum(teacher.n_classes for teacher in pool.teachers)
    return TaskMemory(
        n_classes=len(pool.class_names) if config.merge_classes else n_outputs,
        images_per_class=config.memory_per_class,
        fewest_images=config.k_shot + config.n_query,
        image_bytes=pool.channels * image_size**2,
        max_bytes=config.memory_mb * _MB,
    )


def check_memory(memory: TaskMemory, config: FreeSettings, *, channels: int) -> None:
    """Raise InvalidSetting if the memory cannot hold an episode, which would prevent replay."""
    needed, room = config.k_shot + config.n_query, memory.images_per_class
    if room < needed:
        raise InvalidSetting(
            f"An episode needs {needed} images of a class and the memory holds {room} of each; "
            f"raise memory_per_class to {needed}, or lower k_shot or n_query."
        )
    if memory.most_classes < config.n_way:
        raise InvalidSetting(
            f"The memory holds {memory.most_classes} classes of {room} images and an episode "
            f"needs {config.n_way}; {_what_would_fit(memory, config, channels)}."
        )


def _what_would_fit(memory: TaskMemory, config: FreeSettings, channels: int) -> str:
    n_images = config.n_way * memory.images_per_class
    enough = -(-n_images * memory.image_bytes // _MB)
    fitting = math.isqrt(config.memory_mb * _MB // (n_images * channels))
    smaller = f" or lower picture_size to {fitting}" if fitting >= SMALLEST else ""
    return f"raise memory_mb to {enough}{smaller}"
