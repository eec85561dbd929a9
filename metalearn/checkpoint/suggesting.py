"""Suggestions for a model's input and classes, to pre-fill forms."""

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
    """The class names are unknown; the rest of the declaration is complete."""

    def __init__(self, message: str, rest: DeclaredFile, found: dict[str, str]) -> None:
        super().__init__(message)
        self.rest = rest
        self.found = found


def completed(model: ReadModel, declared: DeclaredFile) -> tuple[DeclaredFile, dict[str, str]]:
    """Return the completed declaration, and the source of each fact that was added.

    Raises NamesMissing if the class names are unknown.
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
    """Return mean, standard deviation and their source: FILE or ARCHITECTURE."""
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
    """Return unique names of the 1,000 ImageNet classes, in the usual order."""
    timm()
    info = importlib.import_module("timm.data").ImageNetInfo()
    full = [info.index_to_description(index) for index in range(info.num_classes())]
    short = [name.partition(",")[0] for name in full]
    names = _distinct(short, full)
    return tuple(
        _distinct(names, [f"{n} ({s})" for n, s in zip(names, info.label_names(), strict=True)])
    )


def _distinct(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    counts = Counter(names)
    return [name if counts[name] == 1 else other for name, other in zip(names, longer, strict=True)]
