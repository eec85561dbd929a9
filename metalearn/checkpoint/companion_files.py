"""Facts in the files beside the weights, used only where the tensors agree."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.limits import MAX_CLASSES
from metalearn.checkpoint.facts import Statements
from metalearn.checkpoint.printable import shown
from metalearn.checkpoint.readme import read_readme
from metalearn.errors import InvalidCheckpoint
from metalearn.networks.transformers_library import CLASSES, plain_config

_MAX_TEXT_BYTES = 4_000_000
_LISTS = ("classes.txt", "labels.txt", "class_names.txt", "classes.json", "class_names.json",
          "labels.json", "class_to_idx.json", "label_names.json")  # fmt: skip


@dataclass(frozen=True)
class CompanionFiles:
    """`kind` and `config` are those of a transformers model, or empty."""

    said: Statements = Statements()
    kind: str = ""
    config: str = ""


def read_companion_files(folder: Path) -> CompanionFiles:
    """Read a folder's facts; raise InvalidCheckpoint if its config.json cannot be used."""
    config = _json(folder / "config.json")
    config = config if isinstance(config, dict) else {}
    processor = _json(folder / "preprocessor_config.json")
    processor = processor if isinstance(processor, dict) else {}
    kind = config.get("model_type")
    inner = config.get("pretrained_cfg")
    inner = inner if isinstance(inner, dict) else {}
    readme = read_readme(_read(folder / "README.md") or "")
    said = Statements(
        architectures=_architectures(config),
        class_names=_class_names(config) or _listed_names(folder),
        mean=_numbers(processor.get("image_mean") or inner.get("mean")),
        std=_numbers(processor.get("image_std") or inner.get("std")),
        image_size=_size(processor.get("crop_size"))
        or _size(processor.get("size"))
        or _size(config.get("image_size"))
        or _size(inner.get("input_size")),
        licence=readme.licence or _text(config.get("license")) or _text(inner.get("license")),
        description=readme.description,
    )
    if not isinstance(kind, str) or kind == "timm_wrapper":
        return CompanionFiles(said)
    if kind not in CLASSES:
        raise InvalidCheckpoint(
            f"config.json gives the model type “{shown(kind, 60)}”, which is not a supported image "
            "classifier; upload a transformers, timm or torchvision model."
        )
    return CompanionFiles(said, kind, plain_config(config))


def _architectures(config: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    name = config.get("architecture")
    return ((name, "config.json"),) if isinstance(name, str) and name else ()


def _class_names(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    labels = config.get("id2label")
    if isinstance(labels, dict) and len(labels) <= MAX_CLASSES:
        try:
            ordered = sorted((int(index), name) for index, name in labels.items())
        except (ValueError, TypeError):
            return None
        if [index for index, _ in ordered] == list(range(len(ordered))):
            return _distinct([name for _, name in ordered])
    return _distinct(config.get("label_names"))


def _listed_names(folder: Path) -> tuple[str, ...] | None:
    for name in _LISTS:
        text = _read(folder / name)
        if text is None:
            continue
        values = _json(folder / name) if name.endswith(".json") else text.splitlines()
        if isinstance(values, dict) and all(type(index) is int for index in values.values()):
            values = sorted(values, key=values.__getitem__)
        if isinstance(values, list):
            names = [value.strip() for value in values if isinstance(value, str) and value.strip()]
            if found := _distinct(names):
                return found
    return None


def _distinct(names: object) -> tuple[str, ...] | None:
    good = (
        isinstance(names, list)
        and 2 <= len(names) <= MAX_CLASSES
        and all(isinstance(name, str) and name.strip() for name in names)
        and len(set(names)) == len(names)
    )
    return tuple(names) if good else None  # type: ignore[arg-type]


def _size(value: object) -> int | None:
    """Parse a side in pixels: 224, (3, 224, 224), {"height": 224, …} or {"shortest_edge": 224}."""
    if isinstance(value, dict):
        value = value.get("height") or value.get("shortest_edge")
    if isinstance(value, list):
        value = value[-1] if value else None
    return value if type(value) is int and 0 < value <= 4096 else None


def _numbers(value: object) -> tuple[float, ...] | None:
    if isinstance(value, list) and value and all(type(item) in {int, float} for item in value):
        return tuple(float(item) for item in value)
    return None


def _text(value: object) -> str | None:
    good = isinstance(value, str) and 0 < len(value) <= 60 and value.isprintable()
    return str(value) if good else None


def _json(path: Path) -> object:
    text = _read(path)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidCheckpoint(
            f"{path.name} is not JSON; leave it out or save it again."
        ) from None


def _read(path: Path) -> str | None:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_TEXT_BYTES:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
