"""What a person declares about a model, and what decides how its file is read."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Declared:
    """Seven facts about a model; an empty one is read from the file or its architecture.

    Lists become tuples and None becomes empty, as forms and JSON bring them.
    """

    image_size: int = 0
    """Height of the input in pixels."""
    mean: tuple[float, ...] = ()
    """For pixels from 0 to 1, like `std`."""
    std: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    """One for each output, in the order of the outputs."""
    architecture: str = ""
    channels: int = 0
    weights: str = ""
    """`raw` or `ema`, where a file has both."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(Declared):
            value = getattr(self, field.name) or field.default
            value = tuple(value) if isinstance(value, list) else value
            object.__setattr__(self, field.name, value)


DECLARED = tuple(field.name for field in dataclasses.fields(Declared))


@dataclasses.dataclass(frozen=True)
class DeclaredFile(Declared):
    """The same, with the names of the model and of its file, which may tell the architecture."""

    name: str = "model"
    file_name: str = ""
