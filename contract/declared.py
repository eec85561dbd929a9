"""The owner's declarations about a model, which determine how its file is read."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Declared:
    """Seven facts about a model. An empty one is read from the file or its architecture.

    Lists from forms and JSON become tuples, and None becomes empty.
    """

    image_size: int = 0
    """Height of the input in pixels."""
    mean: tuple[float, ...] = ()
    """For pixels from 0 to 1, like `std`."""
    std: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    """One for each output, in order."""
    architecture: str = ""
    channels: int = 0
    weights: str = ""
    """`raw` or `ema`, if a file has both."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(Declared):
            value = getattr(self, field.name) or field.default
            value = tuple(value) if isinstance(value, list) else value
            object.__setattr__(self, field.name, value)


DECLARED = tuple(field.name for field in dataclasses.fields(Declared))


@dataclasses.dataclass(frozen=True)
class DeclaredFile(Declared):
    """Adds the names of the model and of its file. The file name may tell the architecture."""

    name: str = "model"
    file_name: str = ""
