"""The steps of an adaptation as functions of named tensors, made of the server's functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor

from metalearn.browser_graphs.sizes import CLASSES, IMAGES, PSEUDO, REAL
from metalearn.learning.calibration import (
    NOISE_GRID,
    AdaptedHead,
    ContrastiveForm,
    contrastive_step,
    enlarge_noise,
    inversion_step,
)
from metalearn.learning.inner_loop import (
    PureNetwork,
    Weights,
    class_centroids,
    predict,
    prototype_head,
    sgd_step,
)
from metalearn.learning.support_statistics import moments_of
from metalearn.networks import NetworkSpec
from metalearn.numerics.ridge import RidgeHead

Tensors = Mapping[str, Tensor]
Shape = tuple[int, ...]
Takes = Literal["none", "extractor", "all"]
"""The weights that a step needs; they come with the running statistics."""

NEW = "new."
"""Prefix of the weights that a step returns changed."""
BATCH = "batch."
"""Prefix of the running statistics that a step returns for its pictures."""


@dataclass(frozen=True)
class Step:
    """One graph: its computation, and its inputs besides the network's tensors."""

    name: str
    takes: Takes
    inputs: Mapping[str, Shape]
    run: Callable[[PureNetwork, Weights, Tensors], dict[str, Tensor]]


def steps_of(spec: NetworkSpec, feature_dim: int, *, batchnorm: bool) -> tuple[Step, ...]:
    """Return a network's steps, with sizes from `sizes.py`; statistics only with `batchnorm`."""
    picture = (spec.channels, spec.image_size, spec.image_size)
    noise = (PSEUDO, spec.channels, NOISE_GRID, NOISE_GRID)
    one: Shape = ()
    features, images = (IMAGES, feature_dim), (IMAGES, *picture)
    targets, centroids = (IMAGES, CLASSES), (CLASSES, feature_dim)
    pseudo = {"pseudo": (PSEUDO, *picture), "targets": (PSEUDO, CLASSES), "lr": one}
    compared = {"centroids": centroids, "temperature": one}
    ridge = {"ridge_weight": centroids, "ridge_bias": (CLASSES,)}
    contrasted = {
        "real": (REAL, *picture),
        "real_labels": (REAL,),
        "pseudo": (PSEUDO, *picture),
        "pseudo_labels": (PSEUDO,),
        "temperature": one,
        "lr": one,
    }
    statistics = Step("statistics", "extractor", {"images": images, "share": one}, _statistics)
    return (
        Step("features", "extractor", {"images": images}, _features),
        Step("logits", "all", {"images": images}, _logits),
        Step("centroids", "none", {"features": features, "targets": targets}, _centroids),
        Step("compare", "extractor", {"images": images, **compared}, _compare),
        Step("head", "none", {"features": features, "targets": targets, "temperature": one}, _head),
        Step("sgd", "all", {"images": images, "targets": targets, "lr": one}, _sgd),
        Step("start", "none", {"noise": noise}, _start),
        Step("invert_head", "all", pseudo, _invert),
        Step("invert_centroids", "extractor", {**pseudo, **compared}, _invert),
        # Learners from before the poster's loss have only this one, under this name.
        Step("contrast", "extractor", contrasted, partial(_contrast, form="cosine")),
        Step("contrast_poster", "extractor", contrasted, partial(_contrast, form="poster")),
        Step("ridge", "extractor", {"images": images, **ridge}, _ridge),
        *((statistics,) if batchnorm else ()),
    )


def _features(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    return {"features": network.features(weights, given["images"])}


def _logits(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    return {"logits": network.logits(weights, given["images"])}


def _centroids(_network: PureNetwork, _weights: Weights, given: Tensors) -> dict[str, Tensor]:
    return {"centroids": class_centroids(given["features"], given["targets"])}


def _compare(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    logits = predict(
        network,
        weights,
        given["images"],
        centroids=given["centroids"],
        temperature=given["temperature"],
    )
    return {"logits": logits}


def _head(_network: PureNetwork, _weights: Weights, given: Tensors) -> dict[str, Tensor]:
    weight, bias = prototype_head(
        given["features"], given["targets"], temperature=given["temperature"]
    )
    return {"weight": weight, "bias": bias}


def _sgd(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    loss, new = sgd_step(network, weights, given["images"], given["targets"], lr=given["lr"])
    return {"loss": loss, **_renamed(new)}


def _start(network: PureNetwork, _weights: Weights, given: Tensors) -> dict[str, Tensor]:
    return {"pseudo": enlarge_noise(given["noise"], network.structure.spec.image_size)}


def _invert(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    head = AdaptedHead(given.get("centroids"), given.get("temperature", 1.0))
    loss, pseudo = inversion_step(
        network, weights, given["pseudo"], given["targets"], head=head, lr=given["lr"]
    )
    return {"loss": loss, "new.pseudo": pseudo}


def _contrast(
    network: PureNetwork, weights: Weights, given: Tensors, *, form: ContrastiveForm
) -> dict[str, Tensor]:
    loss, new = contrastive_step(
        network,
        weights,
        (given["real"], given["real_labels"]),
        (given["pseudo"], given["pseudo_labels"]),
        temperature=given["temperature"],
        lr=given["lr"],
        form=form,
    )
    return {"loss": loss, **_renamed(new)}


def _ridge(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    head = RidgeHead(given["ridge_weight"], given["ridge_bias"])
    return {"logits": head.logits(network.features(weights, given["images"]))}


def _statistics(network: PureNetwork, weights: Weights, given: Tensors) -> dict[str, Tensor]:
    moments = moments_of(network, weights, given["images"], share=given["share"])
    return {BATCH + name: value for name, value in moments.items()}


def _renamed(weights: Weights) -> dict[str, Tensor]:
    return {NEW + name: value for name, value in weights.items()}
