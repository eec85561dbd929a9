"""Supported and unsupported dtypes."""

import torch

from metalearn.checkpoint.pickle_values import DTYPES
from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint

USABLE = frozenset(DTYPES.values())
_QUANTISED = ("float8", "float4", "qint", "quint", "F8", "F6", "F4")


def kind_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def is_quantised(kind: str) -> bool:
    """Return whether values of this dtype need scales that are stored elsewhere."""
    return kind.startswith(_QUANTISED)


def quantised(name: str, kind: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The tensor “{shown(name)}” is quantised ({shown(kind)}), and so is the model; upload "
        "the float32, float16 or bfloat16 weights from before the quantisation."
    )


def unusable(name: str, kind: str) -> InvalidCheckpoint:
    if is_quantised(kind):
        return quantised(name, kind)
    return InvalidCheckpoint(
        f"The tensor “{shown(name)}” has dtype {shown(kind)}, which is not supported; "
        "save the model with model.float() first."
    )
