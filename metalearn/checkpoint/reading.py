"""From a file to named tensors, whatever accepted format it has."""

from pathlib import Path

from torch import Tensor

from metalearn.checkpoint.contents import open_contents
from metalearn.checkpoint.name_cleaning import without_common_prefix


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of the model, bit for bit, under its name without wrappers and prefixes.

    Of raw and averaged weights in one file these are the averaged ones. Nothing in the file is
    executed. Raises InvalidCheckpoint for a file without weights that can be read.
    """
    return read_tensors_and_metadata(path)[0]


def read_tensors_and_metadata(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, and the texts that a safetensors file carries (empty for torch files)."""
    with open_contents(path) as contents:
        return without_common_prefix(contents.weights[0].read()), contents.metadata
