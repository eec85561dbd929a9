"""The account of how a file was read, for a model's page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.checkpoints.models import Checkpoint, Licence

FIRST = 10
_KINDS = {"raw": "the raw ones", "ema": "the averaged ones (EMA)"}
_FILLED = {
    ("class_names", "imagenet"): "Its class names are ImageNet’s: it has 1,000 outputs, and its "
    "file names no classes.  Correct them if that is wrong.",
    ("class_names", "file"): "Its class names come from its file.",
    ("normalisation", "file"): "Its mean and standard deviation come from its file.",
    ("normalisation", "architecture"): "Its mean and standard deviation are the usual ones of its "
    "architecture, because its file has none.  Correct them if it was trained with others.",
    ("image_size", "architecture"): "Its input size is the usual one of its architecture.",
    ("image_size", "file"): "Its input size comes from its file.",
    ("licence", "file"): "Its licence comes from its files.",
    ("description", "file"): "Its description is the first paragraph of its README.md.",
}
# Fields that were filled in together have one entry.
_FILLED_TOGETHER = {"mean": "normalisation", "std": "normalisation"}
_TAKEN = {"raw": "raw weights", "ema": "averaged weights (EMA)"}


@dataclass(frozen=True)
class ReadAs:
    how: str
    other_weights: tuple[tuple[str, str], ...]
    """Other kinds of weights in the file, each with its title."""
    guessed: bool
    others: tuple[str, ...]
    """Other architectures that have the same tensors."""
    weights: str
    left_out: tuple[tuple[str, str], ...]
    """Entries that were not used, each with the reason."""
    filled: tuple[str, ...]
    """Sentences about where the values come from that the owner left out."""

    @property
    def first_left_out(self) -> tuple[tuple[str, str], ...]:
        return self.left_out[:FIRST]

    @property
    def rest_left_out(self) -> tuple[tuple[str, str], ...]:
        return self.left_out[FIRST:]


def read_as(checkpoint: Checkpoint) -> ReadAs | None:
    """Return None for a model that is not valid yet, or was read before workers recorded it."""
    reading: dict[str, Any] = checkpoint.reading
    if not reading.get("told_by") or not checkpoint.was_validated:
        return None
    others = [name for name in reading.get("candidates", []) if name != checkpoint.architecture]
    return ReadAs(
        how=_how(str(reading["told_by"])),
        other_weights=tuple(
            (kind, _TAKEN[kind]) for kind in reading.get("other_weights", []) if kind in _TAKEN
        ),
        guessed=checkpoint.is_guess,
        others=tuple(others),
        weights=_weights(reading),
        left_out=tuple((name, why) for name, why in reading.get("left_out", [])),
        filled=what_was_filled(checkpoint),
    )


def what_was_filled(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return sentences about where filled-in values come from, even for a rejected file."""
    entries = checkpoint.reading.get("filled", {}).items()
    return tuple(_FILLED[entry] for entry in entries if entry in _FILLED)


def licence_called(checkpoint: Checkpoint) -> str:
    """Return the name of an unusual licence as the files give it, or an empty string."""
    from_files = "licence" in checkpoint.reading.get("filled", {})
    other = from_files and checkpoint.licence == Licence.OTHER
    called = str(checkpoint.reading.get("licence", "")) if other else ""
    return "" if called == Licence.OTHER else called


def without_filled(reading: Mapping[str, Any], said: Iterable[str]) -> dict[str, Any]:
    """Return the reading without the fields that the owner has now set."""
    filled = reading.get("filled")
    if not filled:
        return dict(reading)
    gone = {_FILLED_TOGETHER.get(name, name) for name in said}
    return {**reading, "filled": {n: source for n, source in filled.items() if n not in gone}}


def _how(told_by: str) -> str:
    if told_by == "chosen":
        return "chosen by its owner"
    if told_by == "tensors":
        return "a guess from its tensors alone"
    return f"the file says so: {told_by}"


def _weights(reading: dict[str, Any]) -> str:
    taken, others = reading.get("weights", ""), reading.get("other_weights", [])
    if not others:
        return "" if taken == "raw" else _TAKEN.get(taken, "")
    also = " and ".join(_KINDS.get(kind, kind) for kind in others)
    return f"{_TAKEN.get(taken, taken)}; the file also has {also}"
