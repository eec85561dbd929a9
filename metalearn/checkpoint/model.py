"""Recognition of the classifier in a file; its claims are checked against its tensors."""

import json
import logging
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from contract.declared import DeclaredFile
from metalearn.checkpoint.assembling import assemble
from metalearn.checkpoint.companion_files import CompanionFiles, read_companion_files
from metalearn.checkpoint.configured import match_configured
from metalearn.checkpoint.contents import Contents, LeftOut, Statements, Weights, open_contents
from metalearn.checkpoint.folder import opened_folder, weights_in
from metalearn.checkpoint.normalisation import Normalisation, inside
from metalearn.checkpoint.printable import shown
from metalearn.checkpoint.recognition import AmbiguousCheckpoint, Recognised, known_names, recognise
from metalearn.checkpoint.tensors import check_budget
from metalearn.checkpoint.writing import card_of
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec
from metalearn.networks.transformers_library import PREFIX, plain_config

log = logging.getLogger(__name__)

FILE_NAME = "its file's name"
_MOST_LISTED = 50
# The hash suffix that torchvision and timm append to file names.
_HASH = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True)
class ReadModel:
    """A classifier's tensors under the architecture's names, and how it was recognised."""

    spec: NetworkSpec
    tensors: dict[str, Tensor]
    recognised: Recognised
    weights: str
    other_weights: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    said: Statements
    normalisation: Normalisation | None
    """The network's own normalisation, if it normalises its images itself."""
    card: dict[str, object]
    """Freehold's own metadata, if it wrote the file; not trusted."""
    size_bytes: int

    def reading(self) -> dict[str, Any]:
        """Describe how the file was read, as plain data for pages and the API."""
        return {
            "told_by": self.recognised.told_by,
            "guessed": self.recognised.guessed,
            "candidates": list(self.recognised.candidates[:_MOST_LISTED]),
            "weights": self.weights,
            "other_weights": list(self.other_weights),
            "left_out": [[one.name, one.why] for one in self.left_out[:_MOST_LISTED]],
        }


def read_model(path: Path, declared: DeclaredFile, scratch: Path | None = None) -> ReadModel:
    """Read the classifier in a file, a folder or a zip of a folder.

    A zip is unpacked under `scratch` while it is read. Raises InvalidCheckpoint with what is wrong
    and how to fix it.
    """
    with opened_folder(path, scratch) as folder:
        if folder is None:
            return _read(path, declared, CompanionFiles())
        return _read(weights_in(folder), declared, read_companion_files(folder))


def _read(path: Path, declared: DeclaredFile, beside: CompanionFiles) -> ReadModel:
    with open_contents(path) as contents:
        said = _all_said(contents.said, beside.said)
        weights = _chosen(contents, declared.weights or None)
        recognised = _at_its_size(contents, weights, declared, beside, said=said.image_size)
        names = recognised.match.names
        check_budget(weights.shapes[name] for name in names.values())
        spec, tensors = assemble(recognised.match, weights.read(names.values()))
        normalisation = inside(weights, recognised.match.left_out, spec.channels)
    unused = (LeftOut(name, "not part of the architecture") for name in recognised.match.left_out)
    return ReadModel(
        spec=spec,
        tensors=tensors,
        recognised=recognised,
        weights=weights.kind,
        other_weights=tuple(dict.fromkeys(w.kind for w in contents.weights if w is not weights)),
        left_out=(*unused, *contents.left_out),
        said=said,
        normalisation=normalisation,
        card=card_of(contents.metadata),
        size_bytes=path.stat().st_size,
    )


def _at_its_size(
    contents: Contents,
    weights: Weights,
    declared: DeclaredFile,
    beside: CompanionFiles,
    *,
    said: int | None,
) -> Recognised:
    """Recognise at the declared size, else the size the file gives, else one that fits."""
    if said and not declared.image_size:
        try:
            return _recognised(contents, weights, replace(declared, image_size=said), beside)
        except AmbiguousCheckpoint:
            raise
        except InvalidCheckpoint as error:
            # The size in a file is often that of the training images before cropping.
            log.debug("%s is not its size: %s", said, error)
    return _recognised(contents, weights, declared, beside)


def _recognised(
    contents: Contents, weights: Weights, declared: DeclaredFile, beside: CompanionFiles
) -> Recognised:
    card = card_of(contents.metadata)
    ours, config = card.get("architecture"), card.get("config")
    kind, plain = beside.kind, beside.config
    if isinstance(ours, str) and ours.startswith(PREFIX) and isinstance(config, str):
        kind, plain = ours.removeprefix(PREFIX), plain_config(_object(config))
    if kind:
        if declared.architecture and declared.architecture != PREFIX + kind:
            raise InvalidCheckpoint(
                f"config.json says that the model is {PREFIX}{kind}, not "
                f"{shown(declared.architecture, 60)}; leave the architecture open."
            )
        match = match_configured(weights.shapes, kind, plain, declared.image_size or None)
        return Recognised(match, "config.json", (match.spec.architecture,))
    return recognise(
        weights.shapes,
        chosen=declared.architecture or None,
        said=_said(contents, ours, beside, declared.file_name),
        image_size=declared.image_size or None,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidCheckpoint("The file's configuration is damaged; upload the original again.")
    return value


def _all_said(file: Statements, beside: Statements) -> Statements:
    """Merge both; facts beside the weights take precedence over the file's own."""
    told = {field.name: getattr(beside, field.name) for field in fields(Statements)}
    return replace(file, **{name: value for name, value in told.items() if value})


def _chosen(contents: Contents, kind: str | None) -> Weights:
    if not kind:
        return contents.weights[0]
    for weights in contents.weights:
        if weights.kind == kind:
            return weights
    raise InvalidCheckpoint(
        f"The file has no {kind} weights; it has {', '.join(w.kind for w in contents.weights)}."
    )


def _said(
    contents: Contents, ours: object, beside: CompanionFiles, file_name: str
) -> list[tuple[str, str]]:
    if isinstance(ours, str):
        return [(ours, "its card")]
    said = beside.said.architectures or contents.said.architectures
    return list(said) or [(name, FILE_NAME) for name in _names_in(file_name)]


def _names_in(file_name: str) -> list[str]:
    """Return the architecture in a published file name such as “resnet18-f37072fd.pth”.

    The name may contain nothing else: “resnet50_caffe.pth” computes something different.
    """
    stem = file_name.rpartition(".")[0] or file_name
    name = _HASH.sub("", stem)
    return [name] if known_names(name) else []
