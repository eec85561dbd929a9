"""What the confined reader says of how it read a file, made safe to keep and to show.

The reader has had a stranger's file in its hands, so nothing it says is taken as it comes.
"""

from collections.abc import Callable
from typing import Any

from contract.limits import MAX_CLASS_NAME, MAX_CLASSES, MAX_DESCRIPTION
from marketplace.checkpoints.licences import licence_named

_MOST = 50
_LONGEST = 200


def told(reading: dict[str, Any]) -> dict[str, Any]:
    """The entries that are known, each with the shape that it must have."""
    return {name: keep(reading[name]) for name, keep in _SHAPES.items() if name in reading}


def told_fields(filled: dict[str, Any]) -> dict[str, Any]:
    """What the file says of the fields that its owner left open, where it makes sense."""
    try:
        return {name: keep(filled[name]) for name, keep in _FIELDS.items() if name in filled}
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


def _text(value: object, longest: int = _LONGEST) -> str:
    clean = (letter if letter.isprintable() else "�" for letter in str(value)[:longest])
    return "".join(clean)


def _licence(value: object) -> str:
    return licence_named(_text(value))


def _description(value: object) -> str:
    return _text(value, MAX_DESCRIPTION)


def _texts(value: object) -> list[str]:
    return [_text(one) for one in value[:_MOST]] if isinstance(value, list) else []


def _pairs(value: object) -> list[list[str]]:
    if not isinstance(value, list):
        return []
    return [_texts(pair) for pair in value[:_MOST] if isinstance(pair, list) and len(pair) == 2]


_SHAPES: dict[str, Callable[[object], Any]] = {
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
    "licence": _licence,
    "description": _description,
}
