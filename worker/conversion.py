"""What runs inside the sandbox: an uploaded file becomes our own file, or a refusal."""

from pathlib import Path
from typing import Any

from metalearn.checkpoint import (
    Declaration,
    count_parameters,
    make_teacher,
    read_tensors,
    write_tensors,
)
from metalearn.errors import MetaLearnError
from metalearn.networks import NetworkSpec, all_architectures, expected_shapes


def convert(arguments: dict[str, Any]) -> dict[str, Any]:
    """Read `source`, check it against `declared`, write `target`; says what came of it.

    The answer has `ok` and facts, or `reason`; or `trouble` when our disk would not take the file.
    """
    declared = arguments["declared"]
    try:
        tensors = read_tensors(Path(arguments["source"]))
        teacher = make_teacher(
            tensors,
            Declaration(
                name=declared["name"],
                architecture=declared["architecture"] or None,
                image_size=declared["image_size"],
                channels=declared["channels"],
                mean=tuple(declared["mean"]),
                std=tuple(declared["std"]),
                class_names=tuple(declared["class_names"]),
            ),
        )
    except MetaLearnError as error:
        return {"ok": False, "reason": str(error)}
    try:
        write_tensors(tensors, Path(arguments["target"]), teacher)
    except OSError as error:
        return {"ok": False, "trouble": error.strerror or "the file could not be written"}
    spec = teacher.network.spec
    return {
        "ok": True,
        "architecture": spec.architecture,
        "width": spec.width,
        "n_classes": spec.n_classes,
        "channels": spec.channels,
        "n_parameters": count_parameters(tensors),
        "fingerprint": teacher.sha256,
        "size_bytes": Path(arguments["target"]).stat().st_size,
    }


def load() -> None:
    """Build one network of each kind, so that torchvision is loaded before the first fork."""
    for architecture in all_architectures().values():
        expected_shapes(NetworkSpec(architecture.name, architecture.default_width, 3, 32, 2))
