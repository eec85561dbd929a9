"""Pool folders: `manifest.jsonl` with one model per line, and the weights beside it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.declared import DeclaredFile
from metalearn.checkpoint.teacher import read_checkpoint
from metalearn.checkpoint.writing import describe, write_checkpoint
from metalearn.errors import InvalidCheckpoint, InvalidPool
from metalearn.pool import Pool, Teacher
from metalearn.pool.network_cache import NetworkCache

MANIFEST = "manifest.jsonl"
_KNOWN = {
    "file",
    "name",
    "architecture",
    "width",
    "channels",
    "image_size",
    "n_classes",
    "mean",
    "std",
    "class_names",
    "licence",
    "owner",
    "consent_recovery",
    "consent_preview",
}


def read_pool(
    directory: Path, *, limit: int | None = None, cache: NetworkCache | None = None
) -> Pool:
    """Return every model of the manifest, or the first `limit`, as a Pool.

    All are checked at once; with a cache, only some stay in memory. Raises InvalidPool, naming the
    line, if the folder cannot be read or a model is invalid.
    """
    path = directory / MANIFEST
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        raise InvalidPool(
            f"“{directory}” has no readable {MANIFEST}; give a folder made by `pretrain`."
        ) from None
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    chosen = numbered if limit is None else numbered[: max(limit, 0)]
    teachers = (_read_line(directory, number, line) for number, line in chosen)
    return Pool(tuple(each.cached_in(cache) if cache else each for each in teachers))


def write_pool_entry(
    directory: Path, teacher: Teacher, facts: Mapping[str, object] | None = None
) -> Path:
    """Add a model to the folder and return its file; `facts` extend its manifest entry."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{teacher.name}.safetensors"
    if path.name != Path(path.name).name or path.exists():
        raise InvalidPool(
            f"“{path}” exists already or is not a file name; choose another folder or name."
        )
    write_checkpoint(teacher, path)
    entry = {
        "file": path.name,
        **describe(teacher),
        "licence": teacher.licence,
        "owner": teacher.owner,
        "consent_recovery": teacher.consent_recovery,
        "consent_preview": teacher.consent_preview,
        **(facts or {}),
    }
    with (directory / MANIFEST).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return path


def _read_line(directory: Path, number: int, line: str) -> Teacher:
    where = f"Line {number} of {MANIFEST}"
    try:
        entry = json.loads(line)
        declared, file = _declaration(entry)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        missing = f" ({error.args[0]} is missing)" if isinstance(error, KeyError) else ""
        raise InvalidPool(
            f"{where} is not a model's description{missing}; see the contract of pool folders."
        ) from None
    try:
        teacher = read_checkpoint(directory / file, declared)
    except InvalidCheckpoint as error:
        raise InvalidPool(f"{where}, “{file}”: {error}") from error
    except OSError:
        raise InvalidPool(f"{where}: the file “{file}” cannot be read; put it back.") from None
    return replace(
        teacher,
        licence=str(entry.get("licence", "")),
        owner=str(entry.get("owner", "")),
        consent_recovery=bool(entry.get("consent_recovery", True)),
        consent_preview=bool(entry.get("consent_preview", False)),
        extra={key: value for key, value in entry.items() if key not in _KNOWN},
    )


def _declaration(entry: Any) -> tuple[DeclaredFile, str]:
    file = str(entry["file"])
    if Path(file).name != file or file in {"", ".", ".."}:
        raise ValueError(file)
    declared = DeclaredFile(
        name=str(entry.get("name") or Path(file).stem),
        architecture=str(entry["architecture"]),
        image_size=int(entry["image_size"]),
        channels=int(entry["channels"]),
        mean=tuple(float(value) for value in entry["mean"]),
        std=tuple(float(value) for value in entry["std"]),
        class_names=tuple(str(value) for value in entry["class_names"]),
    )
    return declared, file
