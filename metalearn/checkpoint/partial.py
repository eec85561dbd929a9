"""Tensors that are not a whole model: quantised weights, adapters, single shards."""

import re
from collections.abc import Mapping

import torch

from metalearn.checkpoint.facts import LeftOut
from metalearn.checkpoint.kinds import USABLE, is_quantised, kind_name, quantised, unusable
from metalearn.checkpoint.printable import shown
from metalearn.checkpoint.weights import Part
from metalearn.errors import InvalidCheckpoint

_ADAPTER = re.compile(
    r"(^|[._])(lora_(A|B|a|b|up|down|embedding_A|embedding_B)|ia3_l|hada_w1_a|oft_r|vera_lambda_b)"
    r"(\.|_|$)"
)
_PACKED = re.compile(
    r"(^|\.)(SCB|absmax|quant_map|qweight|qzeros|weight_scale_inv|_packed_params"
    r"|quant_state\..*)$"
)
_WHOLE_BYTES = frozenset({torch.int8, torch.uint8})
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.(safetensors|bin|pt|pth)$")


def usable_parts(parts: Mapping[str, Part], where: str) -> tuple[dict[str, Part], list[LeftOut]]:
    """Split off tensors of other dtypes; raise InvalidCheckpoint if quantised or none are left."""
    refuse_partial(parts)
    usable = {name: part for name, part in parts.items() if part.dtype in USABLE}
    left_out = []
    for name, part in parts.items():
        if part.dtype in USABLE:
            continue
        kind = kind_name(part.dtype)
        if is_quantised(kind) or not usable:
            raise unusable(name, kind)
        place = shown(f"{where}.{name}" if where else name)
        left_out.append(LeftOut(place, f"unsupported dtype {kind}"))
    return usable, left_out


def refuse_partial(parts: Mapping[str, Part]) -> None:
    """Raise InvalidCheckpoint for an adapter or for weights packed into bytes."""
    for name, part in parts.items():
        if _ADAPTER.search(name):
            raise InvalidCheckpoint(
                f"The file is an adapter (LoRA or the like: “{shown(name)}”), which is not a "
                "whole model; upload torch.save(model.merge_and_unload().state_dict(), …)."
            )
        whole_bytes = part.dtype in _WHOLE_BYTES and len(part.shape) > 1
        if _PACKED.search(name) or (whole_bytes and name.endswith("weight")):
            raise quantised(name, kind_name(part.dtype))


def refuse_packed(name: str) -> None:
    """Raise InvalidCheckpoint for a name of torch's packed weights, which are not tensors."""
    if _PACKED.search(name):
        raise quantised(name, "packed")


def refuse_single_shard(name: str) -> None:
    """Raise InvalidCheckpoint if the file name is that of one shard of several."""
    match = _SHARD.search(name)
    if match and int(match[2]) > 1:
        raise InvalidCheckpoint(
            f"The file is part {int(match[1])} of {int(match[2])} of a model; write it as one file "
            'with model.save_pretrained(path, max_shard_size="100GB").'
        )
