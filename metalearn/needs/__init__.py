"""What a run will need, before it starts: memory, disk and time, counted and measured.

Every algorithm lists the parts of its work (`Part`) and what it holds (`Needs`). What a picture
costs in each part is measured on the pool's own networks with a few pictures, so that it is right
for any architecture and machine.
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
