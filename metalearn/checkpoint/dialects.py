"""Layer names of efficientnet_pytorch, which computes what timm's `tf_efficientnet_…` compute."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from metalearn.networks.base import Shapes

_BLOCK = re.compile(r"_blocks\.(\d+)\._(\w+)\.(.+)")
_OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2",
            "_fc": "classifier"}  # fmt: skip
_INVERTED = {"expand_conv": "conv_pw", "bn0": "bn1", "depthwise_conv": "conv_dw", "bn1": "bn2",
             "se_reduce": "se.conv_reduce", "se_expand": "se.conv_expand",
             "project_conv": "conv_pwl", "bn2": "bn3"}  # fmt: skip
# A block without expansion has one convolution fewer and other layer names.
_SEPARABLE = {"depthwise_conv": "conv_dw", "bn1": "bn1", "se_reduce": "se.conv_reduce",
              "se_expand": "se.conv_expand", "project_conv": "conv_pw", "bn2": "bn2"}  # fmt: skip


@dataclass(frozen=True)
class Translation:
    """Tensor names of the index mapped to the file's; only for architectures under `prefix`."""

    names: Mapping[str, str]
    prefix: str
    where: str


def translate(shapes: Shapes) -> Translation | None:
    """Return the translation if all names are efficientnet_pytorch's, else None."""
    if "_conv_stem.weight" not in shapes or "_fc.weight" not in shapes:
        return None
    places = _places(shapes)
    names = {}
    for name in shapes:
        new = _translated(name, shapes, places)
        if new is None:
            return None
        names[new] = name
    return Translation(names, "timm/tf_efficientnet", "its layers' names (efficientnet_pytorch)")


def _places(shapes: Shapes) -> dict[int, tuple[int, int]]:
    """Return (stage, place in stage) per block; a new stage starts where the width changes."""
    places: dict[int, tuple[int, int]] = {}
    stage, place, width = -1, 0, 0
    for block in range(len(shapes)):
        shape = shapes.get(f"_blocks.{block}._project_conv.weight")
        if not shape:
            break
        stage, place = (stage, place + 1) if shape[0] == width else (stage + 1, 0)
        width = shape[0]
        places[block] = stage, place
    return places


def _translated(name: str, shapes: Shapes, places: Mapping[int, tuple[int, int]]) -> str | None:
    if found := _BLOCK.fullmatch(name):
        block, layer, rest = int(found[1]), found[2], found[3]
        inverted = f"_blocks.{block}._expand_conv.weight" in shapes
        new = (_INVERTED if inverted else _SEPARABLE).get(layer)
        if new is None or block not in places:
            return None
        stage, place = places[block]
        return f"blocks.{stage}.{place}.{new}.{rest}"
    layer, _, rest = name.partition(".")
    return f"{_OUTSIDE[layer]}.{rest}" if layer in _OUTSIDE else None
