"""Validation of an uploaded file in a child process with limits. The result is plain data."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from contract.declared import DeclaredFile
from contract.limits import MAX_PARAMETERS
from worker.sandbox.client import Limits, Outcome, Sandbox, SandboxError

# Room for the parameters as read and in single precision, and for computing with them.
LIMITS = Limits(memory_bytes=2_000_000_000 + 8 * MAX_PARAMETERS, cpu_s=120, wall_s=180)

_REASONS = {
    "time": (
        f"Reading the file took longer than {LIMITS.wall_s} seconds; "
        "upload only the weights, with torch.save(model.state_dict(), …) or as .safetensors."
    ),
    "memory": (
        f"Reading the file needs more than {LIMITS.memory_bytes // 1_000_000_000} GB of memory; "
        "upload only the weights of one network."
    ),
    "crashed": (
        "The file crashed the reader, so it is not accepted; "
        "save it again with torch.save(model.state_dict(), …) or as .safetensors."
    ),
}

_sandbox = Sandbox(preload="worker.sandbox.conversion:load")


@dataclass(frozen=True)
class DeclaredUpload(DeclaredFile):
    """The uploader's declaration."""

    left_open: tuple[str, ...] = ()
    """The fields of `licence` and `description` that are taken from the files."""


@dataclass(frozen=True)
class ValidationResult:
    """The verdict on one file: facts about the model if `ok`, else the `reason` for the owner."""

    ok: bool
    reason: str = ""
    architecture: str = ""
    width: int = 0
    n_classes: int = 0
    n_parameters: int = 0
    fingerprint: str = ""
    size_bytes: int = 0
    reading: dict[str, Any] = field(default_factory=dict)
    """The reading and its reasons, or the candidates after a rejection."""
    filled: dict[str, Any] = field(default_factory=dict)
    """Undeclared values that the file has: class names, size, channels, normalisation, licence,
    description."""


_EMPTY = ValidationResult(ok=False)


def validate_file(source: Path, target: Path, declared: DeclaredUpload) -> ValidationResult:
    """Read `source` without executing it and write our own file to `target`, a fresh path.

    A file that crashes its reader is rejected too. After a rejection, `target` does not exist.
    Raise SandboxError if this machine is at fault, for example with a full disk.
    """
    arguments = {
        "source": str(source.resolve()),
        "target": str(target.resolve()),
        "declared": asdict(declared),
    }
    result = None
    try:
        outcome = _sandbox.call(
            "worker.sandbox.conversion:convert",
            arguments,
            LIMITS,
            reads=[source.resolve()],
            writes=[target.resolve().parent],
        )
        result = _result(outcome, target)
    finally:
        if result is None or not result.ok:
            _remove_output(target)
    return result


def close() -> None:
    _sandbox.close()


def _result(outcome: Outcome, target: Path) -> ValidationResult:
    if outcome.kind != "answered":
        return ValidationResult(ok=False, reason=_REASONS[outcome.kind])
    answer = outcome.answer
    if answer.get("disk_error"):
        raise SandboxError(f"the validated file could not be written: {answer['disk_error']}")
    if answer.get("ok") is not True:
        reading, filled = answer.get("reading", {}), answer.get("filled", {})
        return ValidationResult(
            ok=False,
            reason=str(answer.get("reason", _REASONS["crashed"])),
            reading=reading if isinstance(reading, dict) else {},
            filled=filled if isinstance(filled, dict) else {},
        )
    result = _typed_result(answer)
    if result is None or target.is_symlink() or target.stat().st_size != result.size_bytes:
        return ValidationResult(ok=False, reason=_REASONS["crashed"])
    return result


def _typed_result(answer: dict[str, Any]) -> ValidationResult | None:
    known = {field.name: type(getattr(_EMPTY, field.name)) for field in fields(_EMPTY)}
    if any(type(value) is not known.get(name) for name, value in answer.items()):
        return None
    return ValidationResult(**answer)


def _remove_output(target: Path) -> None:
    target.unlink(missing_ok=True)
    for partial in target.parent.glob(f".{target.name}.*.partial"):
        partial.unlink(missing_ok=True)
