"""Mapping of one network's neurons onto another's: exact optimal transport, layer by layer."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from metalearn.algorithms.ota.wiring import IMAGE, Layer, Wiring
from metalearn.merging.fusion import State

Map = Float[Tensor, "own anchor"]
"""Share of each own neuron in each neuron of the anchor's order; columns sum to 1.

It is the transport plan T divided by the anchor's histogram, T diag(1/beta). If both have equally
many neurons, the optimum is a permutation.
"""


def transport_map(cost: Float[Tensor, "own anchor"]) -> Map:
    """Return the exact optimum for this ground cost between uniform histograms."""
    # Importing POT takes over a second, and nothing else needs it.
    import ot

    n_own, n_anchor = cost.shape
    own, anchor = (torch.full((n,), 1 / n, dtype=torch.float64) for n in (n_own, n_anchor))
    plan = ot.emd(own.numpy(), anchor.numpy(), cost.double().cpu().numpy())
    result: Tensor = torch.from_numpy(plan * n_anchor).float()
    return result.to(cost.device)


@torch.no_grad()
def neuron_maps(wiring: Wiring, state: State, anchor: State) -> dict[str, Map]:
    """Return, for each group of neurons, the map from the model's to the anchor's."""
    weight = state[f"{wiring.layers[0].conv}.weight"]
    maps = {IMAGE: torch.eye(weight.shape[1], device=weight.device)}
    for group in wiring.groups:
        costs = [
            ground_cost(
                _inputs_in_order(state[f"{layer.conv}.weight"], maps[layer.reads]),
                anchor[f"{layer.conv}.weight"],
            )
            for layer in group.found_from
        ]
        maps[group.name] = transport_map(torch.stack(costs).sum(0))
    return maps


def ground_cost(own: Tensor, anchor: Tensor) -> Float[Tensor, "own anchor"]:
    """Return the squared Euclidean distances between the incoming weights of all pairs of neurons.

    Computed in double precision and without matrix products, which would lose the small differences
    that decide the plan.
    """
    rows, columns = own.flatten(1).double(), anchor.flatten(1).double()
    distances = torch.cdist(rows, columns, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.square()


@torch.no_grad()
def in_order(wiring: Wiring, state: State, maps: Mapping[str, Map]) -> dict[str, Tensor]:
    """Return the tensors before the head with every neuron in the anchor's order."""
    ordered = {name: tensor.clone() for name, tensor in state.items()}
    for layer in wiring.layers:
        ordered |= _layer_in_order(layer, state, maps)
    return ordered


def _layer_in_order(layer: Layer, state: State, maps: Mapping[str, Map]) -> dict[str, Tensor]:
    outputs = maps[layer.writes]
    weight = _inputs_in_order(state[f"{layer.conv}.weight"], maps[layer.reads])
    ordered = {f"{layer.conv}.weight": torch.einsum("o...,op->p...", weight, outputs)}
    per_neuron = [f"{layer.conv}.bias"]
    per_neuron += [f"{layer.norm}.{n}" for n in ("weight", "bias", "running_mean", "running_var")]
    for name in per_neuron:
        if name in state:
            ordered[name] = state[name] @ outputs
    return ordered


@torch.no_grad()
def head_in_order(weight: Tensor, features: Map) -> Tensor:
    """Return a head's weight (classes, features) with its inputs in the anchor's order.

    Each neuron of the last group accounts for as many features as its map has pixels.
    """
    n_classes, n_neurons = len(weight), len(features)
    by_neuron = weight.view(n_classes, n_neurons, -1)
    return _inputs_in_order(by_neuron, features).flatten(1)


def _inputs_in_order(weight: Tensor, inputs: Map) -> Tensor:
    return torch.einsum("oi...,ij->oj...", weight, inputs)
