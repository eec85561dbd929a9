"""The learner directory that people download, written atomically and read without executing."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from metalearn.errors import InvalidCheckpoint, InvalidSetting, MetaLearnError
from metalearn.meta_learner.adaptation_settings import AdaptationSettings
from metalearn.meta_learner.browser import browser_files
from metalearn.meta_learner.card import model_card
from metalearn.meta_learner.parts import LearnerParts
from metalearn.meta_learner.provenance import TeacherRecord
from metalearn.meta_learner.spec import CONFIG, read_normalisation, read_spec
from metalearn.networks import Network, NetworkSpec, build_network, expected_shapes
from metalearn.settings import build

WEIGHTS, CARD, PROVENANCE = "model.safetensors", "README.md", "provenance.json"
FORMAT = 1
MAX_JSON_BYTES = 4_000_000


def write(parts: LearnerParts, path: Path, *, for_browsers: bool = False) -> None:
    """Write the directory atomically over an old one; raise InvalidCheckpoint for anything else."""
    if path.exists() and not (path / CONFIG).is_file() and (path.is_file() or any(path.iterdir())):
        raise InvalidCheckpoint(
            f"“{path.name}” exists and is not a learner directory; give another name."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        _write_files(parts, temporary, for_browsers=for_browsers)
        temporary.chmod(0o755)
        _put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read(path: Path) -> LearnerParts:
    """Read a directory that `write` made. Raises InvalidCheckpoint if it is not one."""
    config = _read_json(path, CONFIG, dict)
    if config.get("format") != FORMAT:
        raise InvalidCheckpoint(
            f"“{CONFIG}” has format {str(config.get('format'))[:40]}; this version reads {FORMAT}."
        )
    spec = read_spec(_mapping(config, "architecture"))
    mean, std = read_normalisation(_mapping(config, "normalisation"), spec.channels)
    return LearnerParts(
        network=_network(path, spec),
        mean=mean,
        std=std,
        defaults=_defaults(config),
        made_by=_mapping(config, "made_by"),
        teachers=_teachers(_read_json(path, PROVENANCE, list)),
    )


def _write_files(parts: LearnerParts, folder: Path, *, for_browsers: bool) -> None:
    state = {name: tensor.cpu().contiguous() for name, tensor in parts.network.state_dict().items()}
    config = {
        "format": FORMAT,
        "architecture": parts.network.spec.as_dict(),
        "normalisation": {"mean": list(parts.mean), "std": list(parts.std)},
        "adaptation": asdict(parts.defaults),
        "made_by": parts.made_by,
        "versions": {"torch": torch.__version__.split("+")[0]},
    }
    teachers = [teacher.as_dict() for teacher in parts.teachers]
    _write(folder / WEIGHTS, safetensors.torch.save(state))
    _write(folder / CONFIG, _json(config))
    _write(folder / PROVENANCE, _json(teachers))
    _write(folder / CARD, model_card(config, teachers).encode())
    files = browser_files(parts, (folder / WEIGHTS).read_bytes()) if for_browsers else {}
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        _write(folder / name, content)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(temporary: Path, path: Path) -> None:
    if not path.exists():
        temporary.rename(path)
        return
    # A directory cannot be renamed onto a non-empty one, so the old one is moved first.
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    path.rename(old / path.name)
    try:
        temporary.rename(path)
    except OSError:
        (old / path.name).rename(path)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _read_json(path: Path, name: str, kind: type) -> Any:
    file = path / name
    if not file.is_file():
        raise InvalidCheckpoint(f"There is no “{name}”; give a learner directory.")
    if file.stat().st_size > MAX_JSON_BYTES:
        raise InvalidCheckpoint(f"“{name}” is larger than {MAX_JSON_BYTES:,} bytes.")
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidCheckpoint(f"“{name}” is not JSON; download the learner again.") from None
    if not isinstance(value, kind):
        raise InvalidCheckpoint(f"“{name}” does not hold what a learner's file of that name does.")
    return value


def _mapping(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key)
    if not isinstance(value, dict):
        raise InvalidCheckpoint(f"“{CONFIG}” has no “{key}”; download the learner again.")
    return value


def _defaults(config: Mapping[str, Any]) -> AdaptationSettings:
    # Learners that name no loss have rates and temperatures chosen for this one.
    said = {"icfil_loss": "cosine", **_mapping(config, "adaptation")}
    try:
        return build(AdaptationSettings, said)
    except InvalidSetting as error:
        raise InvalidCheckpoint(f"“adaptation” in “{CONFIG}” cannot be used: {error}") from None


def _network(path: Path, spec: NetworkSpec) -> Network:
    try:
        expected = expected_shapes(spec)
        state = _read_weights(path)
        _compare(state, expected)
    except MetaLearnError as error:
        raise InvalidCheckpoint(str(error)) from None
    with torch.random.fork_rng(devices=[]):
        network = build_network(spec)
    network.load_state_dict(state)
    return network


def _read_weights(path: Path) -> dict[str, Tensor]:
    file = path / WEIGHTS
    if not file.is_file():
        raise InvalidCheckpoint(f"There is no “{WEIGHTS}”; give a learner directory.")
    try:
        state: dict[str, Tensor] = safetensors.torch.load_file(file)
    except SafetensorError:
        raise InvalidCheckpoint(
            f"“{WEIGHTS}” is damaged or cut short; download the learner again."
        ) from None
    return state


def _compare(state: Mapping[str, Tensor], expected: Mapping[str, Sequence[int]]) -> None:
    for name in sorted(set(state) ^ set(expected)):
        kind = "lacks the tensor" if name in expected else "holds the unknown tensor"
        raise InvalidCheckpoint(f"“{WEIGHTS}” {kind} “{name[:80]}” for this architecture.")
    for name, tensor in state.items():
        if tuple(tensor.shape) != tuple(expected[name]):
            raise InvalidCheckpoint(
                f"“{name}” in “{WEIGHTS}” has shape {tuple(tensor.shape)} instead of "
                f"{tuple(expected[name])}."
            )
        if not bool(torch.isfinite(tensor).all()):
            raise InvalidCheckpoint(f"“{name}” in “{WEIGHTS}” holds values that are not finite.")


def _teachers(values: list[Any]) -> tuple[TeacherRecord, ...]:
    try:
        return tuple(TeacherRecord(**value) for value in values)
    except TypeError:
        raise InvalidCheckpoint(f"“{PROVENANCE}” does not list teachers as it should.") from None
