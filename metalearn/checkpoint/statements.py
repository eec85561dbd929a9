"""Facts in a file's settings: architecture, class names, normalisation, image size."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TypeVar

from contract.limits import MAX_CLASSES
from metalearn.checkpoint.facts import Statements
from metalearn.checkpoint.pickle_values import Value
from metalearn.checkpoint.settings_in_file import Settings, as_mapping, plain, walk_settings

_ARCHITECTURES = (
    "architecture",
    "arch",
    "model_name",
    "model_arch",
    "model",
    "architectures",
    "backbone",
    "backbone_name",
    "encoder_name",
    "net",
    "network",
    "_target_",
    "model_type",
)
_NAMED = frozenset({"model", "backbone", "arch", "net", "network", "encoder", "architecture"})
"""Keys under which “name” and “type” are an architecture's."""
_CARDS = frozenset({"pretrained_cfg", "default_cfg"})
_CLASSES = (
    "class_to_idx",
    "idx_to_class",
    "classes",
    "CLASSES",
    "class_names",
    "label_names",
    "labels",
    "id2label",
    "label2id",
    "classes_",
    "vocab",
    "names",
)
# transformers writes these if the classes have no names.
_NUMBERED = re.compile(r"LABEL_[0-9]+")
_SIZES = ("img_size", "image_size", "input_size", "imgsz")
_COUNTS = ("num_classes", "n_classes", "nb_classes", "num_labels", "nc")
_LICENCES = ("license", "licence", "modelspec.license")
_MAX_TEXT = 200
_MAX_ARCHITECTURES = 20
_MAX_SIZE = 4096
_MAX_PIXEL = 1_000
_MAX_LISTS = 50

T = TypeVar("T")


def statements_of(value: Value) -> Statements:
    """Return what the settings in a file say; outer settings take precedence."""
    return _said(list(walk_settings(value)))


def statements_of_metadata(metadata: Mapping[str, str]) -> Statements:
    return statements_of({key: _parsed(text) for key, text in metadata.items()})


def _said(settings: list[Settings]) -> Statements:
    mean, std = _normalisation(settings)
    n_classes = _first(_count(item) for item in _values(settings, _COUNTS))
    return Statements(
        architectures=_architectures(settings),
        class_names=_fitting_names(settings, n_classes),
        mean=mean,
        std=std,
        image_size=_first(_size(item) for item in _values(settings, _SIZES)),
        n_classes=n_classes,
        licence=_first(_text(item) for item in _values(settings, _LICENCES)),
    )


def _parsed(text: str) -> Value:
    if text[:1] not in {"{", "["}:
        return text
    try:
        value: Value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _fitting_names(settings: list[Settings], n_classes: int | None) -> tuple[str, ...] | None:
    lists = map(_class_names, islice(_lists_of_classes(settings), _MAX_LISTS))
    found = [names for names in lists if names]
    return _first(names for names in found if len(names) == n_classes) or _first(found)


def _lists_of_classes(settings: list[Settings]) -> Iterable[Value]:
    return (one.entries[key] for one in settings for key in _CLASSES if key in one.entries)


def _values(settings: list[Settings], keys: tuple[str, ...]) -> Iterable[Value]:
    return (plain(one.entries[key]) for one in settings for key in keys if key in one.entries)


def _architectures(settings: list[Settings]) -> tuple[tuple[str, str], ...]:
    """Sort names from published configurations first, then by key, then by depth."""
    found = []
    for one in settings:
        keys: tuple[str, ...] = _ARCHITECTURES
        if one.keys and one.keys[-1] in _NAMED:
            keys = (*keys, "name", "type")
        for rank, key in enumerate(keys):
            card = not _CARDS & set(one.keys)
            found += [
                ((card, rank, len(one.keys)), name, one.where(key))
                for name in _texts(one.entries.get(key))
            ]
    found.sort(key=lambda entry: entry[0])
    return tuple((name, where) for _, name, where in found[:_MAX_ARCHITECTURES])


def _texts(value: Value) -> list[str]:
    item = plain(value)
    items = item if isinstance(item, list) else [item]
    return [text for text in map(_text, items) if text is not None]


def _text(value: Value) -> str | None:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        return None
    return value if value.isprintable() else None


def _class_names(value: Value) -> tuple[str, ...] | None:
    items = plain(value, MAX_CLASSES)
    mapping = as_mapping(value)
    if mapping is not None and not isinstance(items, list):
        items = _in_order(mapping) if len(mapping) <= MAX_CLASSES else None
    if not isinstance(items, list) or not 2 <= len(items) <= MAX_CLASSES:
        return None
    names = [_text(item) for item in items]
    if None in names or len(set(names)) != len(names):
        return None
    if all(name is not None and _NUMBERED.fullmatch(name) for name in names):
        return None
    return tuple(name for name in names if name is not None)


def _in_order(mapping: Mapping[Value, Value]) -> list[Value] | None:
    pairs = [(_index(key), item) for key, item in mapping.items()]
    if any(index is None for index, _ in pairs):
        pairs = [(_index(plain(item)), key) for key, item in mapping.items()]
    by_index = {index: item for index, item in pairs if index is not None}
    if set(by_index) != set(range(len(mapping))):
        return None
    return [by_index[index] for index in range(len(mapping))]


def _index(value: Value) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        return int(value)
    # Larger numbers could be chosen to collide.
    return value if type(value) is int and 0 <= value < MAX_CLASSES else None


def _normalisation(
    settings: list[Settings],
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    for one in settings:
        for before in ("", "image_", "img_", "pixel_", "norm_"):
            mean = _numbers(one.entries.get(f"{before}mean"))
            std = _numbers(one.entries.get(f"{before}std"))
            if mean and std and len(mean) == len(std) and min(std) > 0:
                return _from_zero_to_one(mean, std)
    return None, None


def _from_zero_to_one(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scale values above 1.5, which are for pixels from 0 to 255."""
    if min(*mean, *std) > 1.5:
        return tuple(value / 255 for value in mean), tuple(value / 255 for value in std)
    return mean, std


def _numbers(value: Value) -> tuple[float, ...] | None:
    items = plain(value)
    if not isinstance(items, list) or len(items) not in {1, 3}:
        return None
    if not all(type(number) in {int, float} and abs(number) < _MAX_PIXEL for number in items):
        return None
    return tuple(float(number) for number in items)


def _size(value: Value) -> int | None:
    """Parse the side of a square image: 224, (224, 224), (3, 224, 224), {"height": 224, …}."""
    if isinstance(value, dict) and len(value) <= 3:
        value = list(value.values())
    sides = value[-2:] if isinstance(value, list) and len(value) <= 3 else [value]
    side = sides[0] if sides else None
    if type(side) is not int or not all(type(one) is int and one == side for one in sides):
        return None
    return side if 1 <= side <= _MAX_SIZE else None


def _count(value: Value) -> int | None:
    return value if type(value) is int and 1 <= value <= MAX_CLASSES else None
