from metalearn.algorithms.chorus.config import ChorusConfig
from metalearn.learning.learner_settings import RANDOM
from metalearn.networks import Network, NetworkSpec
from metalearn.numerics.optimisers import ScheduledOptimisers
from metalearn.numerics.preparation import MOST_PIXELS
from metalearn.pool import Pool

MOST_BYTES = 250_000_000
"""Limit on the image memory, and thereby on a snapshot."""
_AT_FIRST = 4_096
_FEWEST = 64


def pixels(pool: Pool, learner: NetworkSpec) -> tuple[int, int]:
    """Return the height and width of images as drawn, and as kept in the memory."""
    drawn = min(pool.image_size, MOST_PIXELS)
    return drawn, min(drawn, learner.image_size)


def memory_capacity(config: ChorusConfig, channels: int, kept_size: int) -> int:
    return max(_FEWEST, min(config.memory, MOST_BYTES // (channels * kept_size**2)))


def first_pictures(capacity: int) -> int:
    return min(capacity, _AT_FIRST)


def portions(n: int, size: int) -> list[int]:
    portion = max(16, 512 * 32**2 // size**2)
    return [portion] * (n // portion) + ([n % portion] if n % portion else [])


def optimisers_of(learner: Network, config: ChorusConfig) -> ScheduledOptimisers:
    # Includes the head, which gets no gradient here and is replaced at adaptation.
    learned = list(learner.parameters())
    if config.learner_start != RANDOM:
        # Muon changes all directions equally, including those already learned.
        return ScheduledOptimisers((), learned, kernel_lr=0.0, other_lr=config.tuning_lr)
    return ScheduledOptimisers(
        (p for p in learned if p.ndim > 1),
        (p for p in learned if p.ndim < 2),
        kernel_lr=config.outer_lr,
        other_lr=config.vector_lr,
    )
