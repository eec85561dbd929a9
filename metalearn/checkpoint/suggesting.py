"""What the files tell about a model's input and classes, for forms that fill themselves.

In this order: what was declared, the network's own numbers, what stands beside the weights or in
the file (our own card among it), and what the architecture is made for.
"""

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from contract.declared import DeclaredFile
from metalearn.checkpoint.model import ReadModel
from metalearn.errors import InvalidCheckpoint
from metalearn.networks.index import the_index
from metalearn.networks.libraries import timm

IMAGENET, FILE, ARCHITECTURE = "imagenet", "file", "architecture"


class NamesMissing(InvalidCheckpoint):
    """Nothing says what the classes are called; the rest of the declaration is complete."""

    def __init__(self, message: str, rest: DeclaredFile, found: dict[str, str]) -> None:
        super().__init__(message)
        self.rest = rest
        self.found = found


def completed(model: ReadModel, declared: DeclaredFile) -> tuple[DeclaredFile, dict[str, str]]:
    """The declaration with what was left open, and where each of these things comes from.

    Raises NamesMissing where the names of the classes stand nowhere.
    """
    found: dict[str, str] = {}
    values: dict[str, Any] = {"image_size": declared.image_size or model.spec.image_size}
    if not declared.image_size:
        found["image_size"] = FILE if model.said.image_size else ARCHITECTURE
    if not (declared.mean and declared.std):
        values["mean"], values["std"], found["normalisation"] = normalisation_of(model)
    rest = replace(declared, channels=declared.channels or model.spec.channels, **values)
    if declared.class_names:
        return rest, found
    names, source = _names(model)
    if not names:
        raise NamesMissing(
            f"The file does not say what its {model.spec.n_classes:,} classes are called; name "
            "them, one for each output, in the order of the outputs.",
            rest,
            found,
        )
    found["class_names"] = source
    return replace(rest, class_names=names), found


def normalisation_of(model: ReadModel) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Mean and deviation, and whether the file or the architecture says them."""
    own = model.normalisation or model.said
    channels = model.spec.channels
    if own.mean and own.std and len(own.mean) == len(own.std) == channels:
        return own.mean, own.std, FILE
    indexed = the_index().by_name.get(model.spec.architecture)
    if indexed and len(indexed.facts.mean) == channels:
        return indexed.facts.mean, indexed.facts.std, ARCHITECTURE
    return (0.5,) * channels, (0.5,) * channels, ARCHITECTURE


def _names(model: ReadModel) -> tuple[tuple[str, ...], str]:
    n_outputs, names = model.spec.n_classes, model.said.class_names or ()
    if len(names) == n_outputs:
        return names, FILE
    if n_outputs == len(imagenet_names()):
        return imagenet_names(), IMAGENET
    return (), ""


@cache
def imagenet_names() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet in their usual order, each by a name of its own."""
    timm()
    info = importlib.import_module("timm.data").ImageNetInfo()
    full = [info.index_to_description(index) for index in range(info.num_classes())]
    short = [name.partition(",")[0] for name in full]
    names = _distinct(short, full)
    return tuple(
        _distinct(names, [f"{n} ({s})" for n, s in zip(names, info.label_names(), strict=True)])
    )


def _distinct(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """The names; where several are the same, their longer forms."""
    counts = Counter(names)
    return [name if counts[name] == 1 else other for name, other in zip(names, longer, strict=True)]
