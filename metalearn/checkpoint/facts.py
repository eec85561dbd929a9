"""What is told about a file beside its tensors."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """Something in the file that is no weight of the model."""

    name: str
    """Its place in the file, safe to show."""
    why: str
    """A few words, such as “not a tensor”."""


@dataclass(frozen=True)
class Statements:
    """What a file says about its model; nothing of it is believed before the tensors agree."""

    architectures: tuple[tuple[str, str], ...] = ()
    """Names as written, each with its place, such as ("resnet18", "args.model"); the most
    specific one comes first."""
    class_names: tuple[str, ...] | None = None
    mean: tuple[float, ...] | None = None
    """For pixels from 0 to 1, like `std`."""
    std: tuple[float, ...] | None = None
    image_size: int | None = None
    n_classes: int | None = None
    licence: str | None = None
    """As its author writes it."""
    description: str | None = None
    module_class: str | None = None
    """Of a whole pickled module, such as "torchvision.models.resnet.ResNet"."""
