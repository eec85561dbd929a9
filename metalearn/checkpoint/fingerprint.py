"""Content hash of a model, independent of its file format."""

import hashlib
import json
from collections.abc import Mapping

from torch import Tensor

from metalearn.checkpoint.safetensors_file import tensor_bytes


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of sorted names, dtypes, shapes and bytes as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        kind = str(tensor.dtype).removeprefix("torch.")
        digest.update(json.dumps([name, kind, list(tensor.shape)]).encode() + b"\n")
        digest.update(tensor_bytes(tensor))
    return digest.hexdigest()
