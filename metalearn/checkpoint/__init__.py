"""From an uploaded file to a Teacher: parsed, never executed; and our own files.

`read_tensors` knows safetensors and both layouts of `torch.save`; `read_checkpoint` turns them
into a Teacher or raises InvalidCheckpoint; what is stored and served is always written again by
`write_tensors`. `read_pool` and `write_pool_entry` know pool folders.
"""

from metalearn.checkpoint.fingerprint import fingerprint
from metalearn.checkpoint.inspection import count_parameters, inspect_checkpoint
from metalearn.checkpoint.pool_directory import read_pool, write_pool_entry
from metalearn.checkpoint.reading import read_tensors
from metalearn.checkpoint.safetensors_file import write_safetensors
from metalearn.checkpoint.teacher import make_teacher, read_checkpoint
from metalearn.checkpoint.writing import write_checkpoint, write_tensors

__all__ = [
    "count_parameters",
    "fingerprint",
    "inspect_checkpoint",
    "make_teacher",
    "read_checkpoint",
    "read_pool",
    "read_tensors",
    "write_checkpoint",
    "write_pool_entry",
    "write_safetensors",
    "write_tensors",
]
