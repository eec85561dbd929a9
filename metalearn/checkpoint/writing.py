"""Freehold's own files: safetensors with a Teacher's description in the metadata."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from metalearn.checkpoint.safetensors_file import write_safetensors
from metalearn.pool import Teacher

METADATA_KEY = "freehold"


def write_checkpoint(teacher: Teacher, path: Path) -> None:
    """Write the teacher's weights in single precision, atomically."""
    write_tensors(teacher.network.state_dict(), path, teacher)


def write_tensors(tensors: Mapping[str, Tensor], path: Path, teacher: Teacher) -> None:
    """Write these tensors, bit for bit, as the weights of `teacher`."""
    write_safetensors(tensors, path, {"format": "pt", METADATA_KEY: json.dumps(describe(teacher))})


def card_of(metadata: Mapping[str, str]) -> dict[str, object]:
    """Return the description in a file's metadata, which is untrusted."""
    try:
        card = json.loads(metadata.get(METADATA_KEY, "{}"))
    except (ValueError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}


def describe(teacher: Teacher) -> dict[str, object]:
    """Return what is needed to read the weights again, as plain data."""
    return {
        "name": teacher.name,
        **teacher.network.spec.as_dict(),
        "mean": list(teacher.mean),
        "std": list(teacher.std),
        "class_names": list(teacher.class_names),
    }
