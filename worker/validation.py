"""Is an uploaded file good? Asked in a child process with limits; the answer is plain data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DeclaredModel:
    """What the uploader says about a file. An empty `architecture` means: find out."""

    name: str
    architecture: str
    class_names: tuple[str, ...]
    image_size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ValidationResult:
    """The verdict on one file: facts about the model when `ok`, else the `reason` for people."""

    ok: bool
    reason: str = ""
    architecture: str = ""
    width: int = 0
    n_classes: int = 0
    channels: int = 0
    n_parameters: int = 0
    fingerprint: str = ""
    size_bytes: int = 0
