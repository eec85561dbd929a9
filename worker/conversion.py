"""What runs inside the sandbox: an uploaded file becomes our own file, or a refusal."""

from pathlib import Path
from typing import Any

from metalearn.checkpoint import Declaration, count_parameters, write_tensors
from metalearn.checkpoint.matching import load_index
from metalearn.checkpoint.model import ReadModel, read_model
from metalearn.checkpoint.recognition import AmbiguousCheckpoint
from metalearn.checkpoint.suggesting import FILE, NamesMissing, completed
from metalearn.checkpoint.teacher import teacher_of
from metalearn.errors import MetaLearnError
from metalearn.networks import all_architectures, expected_shapes
from metalearn.networks.libraries import timm


def convert(arguments: dict[str, Any]) -> dict[str, Any]:
    """Read `source`, check it against `declared`, write `target`; says what came of it.

    The answer has `ok` and facts, or `reason`; or `trouble` when our disk would not take the file.
    """
    said = arguments["declared"]
    declared = Declaration(
        name=said["name"],
        architecture=said["architecture"] or None,
        image_size=said["image_size"],
        channels=said["channels"],
        mean=tuple(said["mean"]),
        std=tuple(said["std"]),
        class_names=tuple(said["class_names"]),
        weights=said["weights"] or None,
        file_name=said["file_name"],
    )
    try:
        scratch = Path(arguments["target"]).parent
        model = read_model(Path(arguments["source"]), declared.wanted, scratch)
        whole, sources = completed(model, declared)
        teacher = teacher_of(model, whole)
    except NamesMissing as error:
        reading = {**model.reading(), "candidates": []}
        sources, filled = _told(model, error.found, _filled(declared, error.rest), said["open"])
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
        return {"ok": False, "trouble": error.strerror or "the file could not be written"}
    found, filled = _told(model, sources, _filled(declared, whole), said["open"])
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


def _filled(declared: Declaration, whole: Declaration) -> dict[str, Any]:
    """What the declaration left open, as the file or its architecture says it."""
    names = ("class_names", "image_size", "channels", "mean", "std")
    return {name: getattr(whole, name) for name in names if not getattr(declared, name)}


def _told(
    model: ReadModel, sources: dict[str, str], filled: dict[str, Any], left_open: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """For the reading and for the row: what is filled in, with licence and description."""
    about = {name: text for name in left_open if (text := getattr(model.said, name))}
    told = {"filled": sources | dict.fromkeys(about, FILE)}
    # The row has one of a few licences; the reading keeps what its author calls it.
    called = {"licence": about["licence"]} if "licence" in about else {}
    return told | called, filled | about


def load() -> None:
    """Load what builds networks, so that it is there before the first fork."""
    timm()
    load_index()
    for architecture in all_architectures().values():
        expected_shapes(architecture.usual_spec(32))
