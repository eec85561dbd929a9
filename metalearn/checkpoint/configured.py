"""Models described by a transformers configuration, which their tensors must match."""

import json

from torch import nn

from contract.limits import MAX_PARAMETERS
from metalearn.checkpoint.matching import Match
from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec
from metalearn.networks.base import Shapes
from metalearn.networks.index import is_counter
from metalearn.networks.transformers_library import (
    PREFIX,
    check_size,
    saved_names,
    transformers_model,
)
from metalearn.networks.weightless import without_weights

_UNLIKELY = 7919


def match_configured(shapes: Shapes, kind: str, config: str, image_size: int | None) -> Match:
    """Match the tensors to the configuration's model; raise InvalidCheckpoint if they differ."""
    values = json.loads(config)
    check_size(kind, values, MAX_PARAMETERS)
    probe = without_weights(lambda: transformers_model(kind, n_classes=_UNLIKELY, config=values))
    heads = [
        (name, layer)
        for name, layer in probe.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == _UNLIKELY
    ]
    if len(heads) != 1:
        raise InvalidCheckpoint(
            f"A {kind} does not have exactly one linear head; upload another model."
        )
    head, layer = heads[0]
    saved = saved_names(probe)
    if not set(saved.values()) <= set(shapes):
        # Files written by Freehold use the network's own names.
        saved = {name: name for name in saved} if f"{head}.weight" in shapes else saved
    found = shapes.get(saved[f"{head}.weight"])
    if found is None or len(found) != 2 or found[1] != layer.in_features:
        raise InvalidCheckpoint(
            f"config.json says {kind}, but the tensor “{head}.weight” is missing or of another "
            "size; upload the folder that save_pretrained wrote for a classifier."
        )
    expected = {saved[name]: tuple(t.shape) for name, t in probe.state_dict().items()}
    expected |= {saved[f"{head}.weight"]: found, saved[f"{head}.bias"]: (found[0],)}
    _check(shapes, expected, kind)
    size = getattr(probe.config, "image_size", None)
    spec = NetworkSpec(
        architecture=PREFIX + kind,
        width=layer.in_features,
        channels=int(values.get("num_channels", 3)),
        image_size=image_size or (size if isinstance(size, int) else 224),
        n_classes=found[0],
        config=config,
    )
    names = {name: theirs for name, theirs in saved.items() if theirs in shapes}
    left_out = tuple(name for name in shapes if name not in expected)
    return Match(spec, names, left_out, (spec.architecture,))


def _check(shapes: Shapes, expected: Shapes, kind: str) -> None:
    for name, shape in expected.items():
        if name not in shapes:
            if is_counter(name):
                continue
            raise InvalidCheckpoint(
                f"config.json says {kind}, but the tensor “{shown(name)}” is missing; upload the "
                "folder that save_pretrained wrote."
            )
        if shapes[name] != shape:
            raise InvalidCheckpoint(
                f"config.json says {kind}, but the tensor “{shown(name)}” has shape "
                f"{list(shapes[name])} instead of {list(shape)}; upload config.json of this model."
            )
