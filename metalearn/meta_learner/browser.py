"""The `browser` folder of a learner directory: graphs, and browser.json that describes them."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch

from contract.limits import MAX_SHOT, MAX_WAY, MIN_WAY
from metalearn.browser_graphs import NetworkTensors, NotForBrowsers, make_graphs
from metalearn.learning.calibration import NOISE_GRID
from metalearn.meta_learner.adaptation_settings import AdaptationSettings, calibrated
from metalearn.meta_learner.parts import LearnerParts
from metalearn.meta_learner.support import images_at_once

log = logging.getLogger(__name__)

FOLDER, DESCRIPTION = "browser", "browser.json"
FORMAT = 1
GRADIENTS = frozenset({"sgd", "invert_head", "invert_centroids", "contrast", "contrast_poster"})
"""Steps that a learner may lack in the browser; ICFIL needs all of them."""
_BUG = "Its adaptation could not be converted for browsers."


def browser_files(parts: LearnerParts, weights: bytes) -> dict[str, bytes]:
    """Return contents by path in the learner directory; `weights` is model.safetensors.

    If no graphs can be made, browser.json alone gives the reason, so that the learner is still
    usable on the server.
    """
    try:
        made = make_graphs(parts.network)
    except NotForBrowsers as error:
        return _files({"format": FORMAT, "available": False, "reason": str(error)}, {})
    except Exception:
        # Tracing uses PyTorch internals, which change between releases.
        log.exception("no graphs for browsers")
        return _files({"format": FORMAT, "available": False, "reason": _BUG}, {})
    graphs = {graph.step.name: graph for graph in made}
    contents = {name: graph.content() for name, graph in graphs.items()}
    described = {name: graph.description(contents[name]) for name, graph in graphs.items()}
    files = {f"{name}.onnx": content for name, content in contents.items()}
    possible = {"adaptation": _possible(parts.defaults, made.missing), "missing": made.missing}
    limited = {"limited": _limits_said(parts.defaults, made.missing)}
    described_all = {**_description(parts, weights), **possible, **limited, "graphs": described}
    return _files(described_all, files)


def _possible(defaults: AdaptationSettings, missing: Mapping[str, str]) -> dict[str, Any]:
    """Return the defaults without what needs a missing graph.

    A browser classifies each picture by itself, where gradient steps that were trained with the
    statistics of all pictures diverge.
    """
    if "sgd" in missing or defaults.batchnorm != "inductive":
        defaults = replace(defaults, head="prototypes", batchnorm="inductive")
    if missing.keys() & GRADIENTS:
        defaults = replace(defaults, calibrate="none")
    return asdict(defaults)


def _limits_said(defaults: AdaptationSettings, missing: Mapping[str, str]) -> str:
    """Return what the page says about missing graphs, as one sentence; "" if there are none."""
    if defaults.batchnorm != "inductive":
        return (
            "In the browser this meta-learner compares each picture by itself with the classes' "
            "means; the server judges pictures together, by the gradient steps that it was "
            "trained with."
        )
    if not missing.keys() & GRADIENTS:
        return ""
    reason = next(iter(missing.values())).rstrip(".")
    return (
        "In the browser this meta-learner adapts by what its features say, without gradient steps, "
        "which the server offers: " + reason[0].lower() + reason[1:]
    ) + "."


def _description(parts: LearnerParts, weights: bytes) -> dict[str, Any]:
    spec, tensors = parts.network.spec, NetworkTensors.of(parts.network)
    return {
        "format": FORMAT,
        "available": True,
        "reason": "",
        "architecture": spec.as_dict(),
        "normalisation": {"mean": list(parts.mean), "std": list(parts.std)},
        "adaptation": asdict(parts.defaults),
        "calibrated": _changes(calibrated(parts.defaults), parts.defaults),
        "limits": {"min_classes": MIN_WAY, "max_classes": MAX_WAY, "max_per_class": MAX_SHOT},
        "images_at_once": images_at_once(spec.image_size),
        "noise_grid": NOISE_GRID,
        "weights": {
            "file": "../model.safetensors",
            "bytes": len(weights),
            "sha256": hashlib.sha256(weights).hexdigest(),
            "extractor": list(tensors.extractor),
            "head": list(tensors.head),
            "statistics": list(tensors.statistics),
        },
        "versions": {"torch": torch.__version__.split("+")[0]},
    }


def _changes(settings: AdaptationSettings, defaults: AdaptationSettings) -> dict[str, Any]:
    before = asdict(defaults)
    return {name: value for name, value in asdict(settings).items() if value != before[name]}


def _files(description: dict[str, Any], graphs: dict[str, bytes]) -> dict[str, bytes]:
    text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files = {DESCRIPTION: text.encode(), **graphs}
    return {f"{FOLDER}/{name}": content for name, content in files.items()}
