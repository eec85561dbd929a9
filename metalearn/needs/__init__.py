"""Estimates of a run's memory, disk and time before it starts.

Each algorithm lists the parts of its work (`Part`) and the memory it keeps (`Needs`). The cost per
image of a part is measured with a few images on the pool's own networks, so it holds for any
architecture and machine.
"""

from metalearn.needs.measuring import bytes_each, multiply_adds_each, seconds_each
from metalearn.needs.needs import (
    Needs,
    cached_bytes,
    held_bytes,
    in_mb,
    largest_tensor,
    loaded_bytes,
)
from metalearn.needs.part import Part
from metalearn.needs.passes import (
    drawing,
    embedding,
    generating,
    kinds_of,
    learning,
    looking,
    most_taken,
    network_of,
    recovering,
    stepping,
    taken,
)

__all__ = [
    "Needs",
    "Part",
    "bytes_each",
    "drawing",
    "embedding",
    "generating",
    "held_bytes",
    "in_mb",
    "kinds_of",
    "largest_tensor",
    "learning",
    "loaded_bytes",
    "looking",
    "most_taken",
    "multiply_adds_each",
    "network_of",
    "recovering",
    "seconds_each",
    "cached_bytes",
    "stepping",
    "taken",
]
