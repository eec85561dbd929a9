"""One number for the content of a model, whatever file it came in."""

import hashlib
import json
from collections.abc import Mapping

from torch import Tensor

from metalearn.checkpoint.safetensors_file import tensor_bytes


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names in order, kinds of number, shapes and bytes; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        kind = str(tensor.dtype).removeprefix("torch.")
        digest.update(json.dumps([name, kind, list(tensor.shape)]).encode() + b"\n")
        digest.update(tensor_bytes(tensor))
    return digest.hexdigest()
