"""From a file to named tensors, whatever accepted format it has."""

from pathlib import Path

from torch import Tensor

from metalearn.checkpoint.foreign import refuse_foreign_file
from metalearn.checkpoint.mending import find_state_dict, mend_names
from metalearn.checkpoint.pickle_opcodes import ACTIONS
from metalearn.checkpoint.pickle_values import Value
from metalearn.checkpoint.safetensors_file import looks_like_safetensors, read_safetensors
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.tensors import ReadStorage, materialise
from metalearn.checkpoint.torch_file import read_torch_legacy, read_torch_zip
from metalearn.checkpoint.wording import STATE_DICT
from metalearn.errors import InvalidCheckpoint


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of the model, bit for bit, under its name without wrappers and prefixes.

    Nothing in the file is executed. Raises InvalidCheckpoint for anything but safetensors and
    what torch.save writes for a state dict.
    """
    return read_tensors_and_metadata(path)[0]


def read_tensors_and_metadata(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, and the texts that a safetensors file carries (empty for torch files)."""
    with Source(path) as source:
        if looks_like_safetensors(source):
            tensors, metadata = read_safetensors(source)
            return mend_names(tensors), metadata
        refuse_foreign_file(source)
        value, read_storage = _read_torch(source)
        refs = mend_names(find_state_dict(value))
        return materialise(refs, read_storage), {}


def _read_torch(source: Source) -> tuple[Value, ReadStorage]:
    if source.head(4) == b"PK\x03\x04":
        return read_torch_zip(source)
    if source.head(1)[0] not in ACTIONS:
        raise InvalidCheckpoint(f"The file is of no kind that is known here; upload {STATE_DICT}.")
    return read_torch_legacy(source)
