"""What a person declares about a model, and what decides how its file is read."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Declared:
    """Seven facts about a model; an empty one is read from the file or its architecture."""

    architecture: str = ""
    weights: str = ""
    """`raw` or `ema`, where a file has both."""
    class_names: Sequence[str] = ()
    """One for each output, in the order of the outputs."""
    image_size: int | None = None
    """Height of the input in pixels."""
    channels: int | None = None
    mean: Sequence[float] = ()
    """For pixels from 0 to 1, like `std`."""
    std: Sequence[float] = ()


DECLARED = tuple(field.name for field in dataclasses.fields(Declared))
