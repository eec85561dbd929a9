"""What the confined reader says of how it read a file, made safe to keep and to show.

The reader has had a stranger's file in its hands, so nothing it says is taken as it comes.
"""

from collections.abc import Callable
from typing import Any

_MOST = 50
_LONGEST = 200


def told(reading: dict[str, Any]) -> dict[str, Any]:
    """The entries that are known, each with the shape that it must have."""
    return {name: keep(reading[name]) for name, keep in _SHAPES.items() if name in reading}


def _text(value: object) -> str:
    clean = (letter if letter.isprintable() else "�" for letter in str(value)[:_LONGEST])
    return "".join(clean)


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
}
