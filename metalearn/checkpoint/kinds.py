"""Kinds of number: those that weights have, and those with which no network can be built here."""

import torch

from metalearn.checkpoint.pickle_values import DTYPES
from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint

USABLE = frozenset(DTYPES.values())
_QUANTISED = ("float8", "float4", "qint", "quint", "F8", "F6", "F4")


def kind_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def is_quantised(kind: str) -> bool:
    """Whether these numbers stand for weights, but only together with scales kept elsewhere."""
    return kind.startswith(_QUANTISED)


def quantised(name: str, kind: str) -> InvalidCheckpoint:
    """A file whose weights were packed into fewer bits, with the cure."""
    return InvalidCheckpoint(
        f"The tensor “{shown(name)}” is quantised ({shown(kind)}), and so is the model; upload "
        "the float32, float16 or bfloat16 weights from before the quantisation."
    )


def unusable(name: str, kind: str) -> InvalidCheckpoint:
    """A file whose weights are of a kind that cannot be used, with the cure."""
    if is_quantised(kind):
        return quantised(name, kind)
    return InvalidCheckpoint(
        f"The tensor “{shown(name)}” has numbers of the kind {shown(kind)}, which no image "
        "classifier here has; save the model with model.float() first."
    )
