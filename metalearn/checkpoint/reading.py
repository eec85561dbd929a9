"""Named tensors of a file in any accepted format."""

from pathlib import Path

from torch import Tensor

from metalearn.checkpoint.contents import open_contents
from metalearn.checkpoint.name_cleaning import without_common_prefix


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return all tensors of the model, bit for bit, by name without wrappers and prefixes.

    Averaged weights take precedence over raw ones. Nothing in the file is executed. Raises
    InvalidCheckpoint if the file has no readable weights.
    """
    return read_tensors_and_metadata(path)[0]


def read_tensors_and_metadata(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors, and a safetensors file's metadata (empty for torch files)."""
    with open_contents(path) as contents:
        return without_common_prefix(contents.weights[0].read()), contents.metadata
