"""Facts about a file besides its tensors."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """An entry of the file that is not a weight of the model."""

    name: str
    """Its place in the file, safe to display."""
    why: str
    """A few words, such as “not a tensor”."""


@dataclass(frozen=True)
class Statements:
    """A file's claims about its model, used only where the tensors agree."""

    architectures: tuple[tuple[str, str], ...] = ()
    """(name, place) pairs, such as ("resnet18", "args.model"), most specific first."""
    class_names: tuple[str, ...] | None = None
    mean: tuple[float, ...] | None = None
    """For pixels from 0 to 1, like `std`."""
    std: tuple[float, ...] | None = None
    image_size: int | None = None
    n_classes: int | None = None
    licence: str | None = None
    """SPDX identifier or free text, as the author wrote it."""
    description: str | None = None
    module_class: str | None = None
    """Class of a whole pickled module, such as "torchvision.models.resnet.ResNet"."""
