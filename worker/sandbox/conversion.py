"""Converts an uploaded file to our own format, inside the sandbox."""

from pathlib import Path
from typing import Any

from contract.declared import DeclaredFile
from metalearn.checkpoint import count_parameters, write_tensors
from metalearn.checkpoint.behaviour import check_behaviour
from metalearn.checkpoint.matching import load_index
from metalearn.checkpoint.model import ReadModel, read_model
from metalearn.checkpoint.recognition import AmbiguousCheckpoint
from metalearn.checkpoint.suggesting import FILE, NamesMissing, completed
from metalearn.checkpoint.teacher import teacher_of
from metalearn.errors import MetaLearnError
from metalearn.networks import all_architectures, expected_shapes
from metalearn.networks.libraries import timm


def convert(arguments: dict[str, Any]) -> dict[str, Any]:
    """Read `source`, check it against `declared` and write `target`.

    The result has `ok` with facts or a `reason`, or `disk_error` if `target` cannot be written.
    """
    fields = arguments["declared"]
    left_open = fields.pop("left_open")
    declared = DeclaredFile(**fields)
    try:
        scratch = Path(arguments["target"]).parent
        model = read_model(Path(arguments["source"]), declared, scratch)
        whole, sources = completed(model, declared)
        teacher = teacher_of(model, whole)
        check_behaviour(teacher)
    except NamesMissing as error:
        reading = {**model.reading(), "candidates": []}
        sources, filled = _sources_and_values(
            model, error.found, _filled(declared, error.rest), left_open
        )
        return {
            "ok": False,
            "reason": str(error),
            "reading": reading | sources,
            "filled": filled,
        }
    except AmbiguousCheckpoint as error:
        return {
            "ok": False,
            "reason": str(error),
            "reading": {"candidates": list(error.candidates)},
        }
    except MetaLearnError as error:
        return {"ok": False, "reason": str(error)}
    try:
        write_tensors(model.tensors, Path(arguments["target"]), teacher)
    except OSError as error:
        return {"ok": False, "disk_error": error.strerror or "the file could not be written"}
    found, filled = _sources_and_values(model, sources, _filled(declared, whole), left_open)
    return {
        "ok": True,
        "architecture": model.spec.architecture,
        "width": model.spec.width,
        "n_classes": model.spec.n_classes,
        "n_parameters": count_parameters(model.tensors),
        "fingerprint": teacher.sha256,
        "size_bytes": Path(arguments["target"]).stat().st_size,
        "reading": model.reading() | found,
        "filled": filled,
    }


def _filled(declared: DeclaredFile, whole: DeclaredFile) -> dict[str, Any]:
    names = ("class_names", "image_size", "channels", "mean", "std")
    return {name: getattr(whole, name) for name in names if not getattr(declared, name)}


def _sources_and_values(
    model: ReadModel, sources: dict[str, str], filled: dict[str, Any], left_open: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sources of the filled fields for the reading, and their values for the row."""
    about = {name: text for name in left_open if (text := getattr(model.said, name))}
    notes = {"filled": sources | dict.fromkeys(about, FILE)}
    # The row has one of a few licences. The reading keeps the author's own words.
    licence = {"licence": about["licence"]} if "licence" in about else {}
    return notes | licence, filled | about


def load() -> None:
    """Load everything that builds networks before the first fork."""
    timm()
    load_index()
    for architecture in all_architectures().values():
        expected_shapes(architecture.usual_spec(32))
