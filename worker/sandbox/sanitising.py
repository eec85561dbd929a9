"""Makes the confined reader's output safe, because it has parsed an untrusted file."""

from collections.abc import Callable
from typing import Any

from contract.limits import MAX_CLASS_NAME, MAX_CLASSES, MAX_DESCRIPTION

_MAX_ITEMS = 50
_MAX_TEXT = 200


def sanitise_reading(reading: dict[str, Any]) -> dict[str, Any]:
    """Keep the known entries only, each in its expected shape."""
    return {name: sanitise(reading[name]) for name, sanitise in _READING.items() if name in reading}


def sanitise_fields(filled: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the file fills in, or none if one of them is malformed."""
    try:
        return {
            name: sanitise(filled[name]) for name, sanitise in _FIELDS.items() if name in filled
        }
    except (ValueError, TypeError, OverflowError):
        return {}


def _names(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_CLASSES:
        raise ValueError
    return [" ".join(_text(name).split())[:MAX_CLASS_NAME] for name in value]


def _number(value: object) -> int:
    if type(value) is not int or not 0 < value <= 2**15:
        raise ValueError
    return value


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list) or len(value) > 3:
        raise ValueError
    return [float(number) for number in value]


def _sources(value: object) -> dict[str, str]:
    known = value.items() if isinstance(value, dict) else ()
    return {_text(name): _text(source) for name, source in list(known)[:10]}


def _text(value: object, max_length: int = _MAX_TEXT) -> str:
    clean = (letter if letter.isprintable() else "�" for letter in str(value)[:max_length])
    return "".join(clean)


def _description(value: object) -> str:
    return _text(value, MAX_DESCRIPTION)


def _texts(value: object) -> list[str]:
    return [_text(item) for item in value[:_MAX_ITEMS]] if isinstance(value, list) else []


def _pairs(value: object) -> list[list[str]]:
    if not isinstance(value, list):
        return []
    return [
        _texts(pair) for pair in value[:_MAX_ITEMS] if isinstance(pair, list) and len(pair) == 2
    ]


_READING: dict[str, Callable[[object], Any]] = {
    "told_by": _text,
    "guessed": bool,
    "candidates": _texts,
    "weights": _text,
    "other_weights": _texts,
    "left_out": _pairs,
    "filled": _sources,
    "licence": _text,
}

_FIELDS: dict[str, Callable[[object], Any]] = {
    "class_names": _names,
    "image_size": _number,
    "channels": _number,
    "mean": _numbers,
    "std": _numbers,
    "licence": _text,
    "description": _description,
}
