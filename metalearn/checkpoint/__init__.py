"""Readers and writers of model files and pool folders. Uploads are parsed, never executed."""

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
