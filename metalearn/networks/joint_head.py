"""One linear head for a model that has several: the mean of their outputs, as one matrix.

Distilled models (DeiT, LeViT, EfficientFormer, …) and CrossViT output the mean of two linear
layers, EfficientViM a weighted mean of four or eight. Such a mean is linear in the concatenated
inputs, and its matrix is the concatenation of theirs, each times its share. So the rest of Freehold
only sees networks with one head.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import Shapes, shape_of

JOINT_HEAD = "joint_head"
"""Its name in a network; no library has a layer of that name."""


class Tap(nn.Module):
    """Replaces a head to take its input. Not nn.Identity, which some models read as “no head”."""

    def forward(self, features: Tensor) -> Tensor:
        return features


def join_heads(model: nn.Module, heads: Sequence[str], feature_dim: int) -> tuple[str, ...]:
    """Replace several heads by one; return the layers that its features come from."""
    layers = [model.get_submodule(head) for head in heads]
    assert all(isinstance(layer, nn.Linear) for layer in layers)
    widths = [int(layer.in_features) for layer in layers]  # type: ignore[arg-type]
    for head in heads:
        parent_name, _, child_name = head.rpartition(".")
        # Not setattr: a parent may be a list of heads, whose children are numbers.
        model.get_submodule(parent_name)._modules[child_name] = Tap()
    n_classes = int(layers[0].out_features)  # type: ignore[arg-type]
    model.add_module(JOINT_HEAD, nn.Linear(feature_dim, n_classes))
    n_inputs = _n_inputs(widths, feature_dim)
    assert n_inputs, f"heads of {widths} features have no {feature_dim} together"
    return tuple(heads[:n_inputs])


def joined(
    tensors: Mapping[str, Tensor], heads: Sequence[str], feature_dim: int
) -> dict[str, Tensor]:
    """Return the tensors with one head in place of `heads`, in single precision."""
    rest = {n: t for n, t in tensors.items() if n.rpartition(".")[0] not in heads}
    weights = [_number(tensors, f"{head}.weight") * _share(tensors, head, heads) for head in heads]
    n_inputs = _n_inputs([weight.shape[1] for weight in weights], feature_dim)
    sides = [torch.stack(weights[place::n_inputs]).sum(0) for place in range(n_inputs)]
    rest[f"{JOINT_HEAD}.weight"] = torch.cat(sides, dim=1)
    biases = [
        _number(tensors, f"{head}.bias") * _share(tensors, head, heads)
        for head in heads
        if f"{head}.bias" in tensors
    ]
    if biases:
        rest[f"{JOINT_HEAD}.bias"] = torch.stack(biases).sum(0)
    return rest


def joined_shapes(
    shapes: Shapes, heads: Sequence[str], feature_dim: int
) -> dict[str, tuple[int, ...]]:
    """Merge shapes as `joined` does; raise InvalidCheckpoint if the heads are inconsistent."""
    matrices = [shape_of(shapes, f"{head}.weight", dims=2) for head in heads]
    rows = [matrix[0] for matrix in matrices]
    if len(set(rows)) > 1:
        other = next(place for place, count in enumerate(rows) if count != rows[0])
        raise InvalidCheckpoint(
            f"The tensors “{heads[0]}.weight” and “{heads[other]}.weight” are for {rows[0]} and "
            f"{rows[other]} classes, but the model's answer is the mean of both; give both heads "
            "the same classes."
        )
    if not _n_inputs([matrix[1] for matrix in matrices], feature_dim):
        raise InvalidCheckpoint(
            f"The tensor “{heads[0]}.weight” takes {matrices[0][1]} features, which is not what "
            "this architecture has; choose the architecture the file was saved from."
        )
    rest = {n: s for n, s in shapes.items() if n.rpartition(".")[0] not in heads}
    rest[f"{JOINT_HEAD}.weight"] = (rows[0], feature_dim)
    if any(f"{head}.bias" in shapes for head in heads):
        rest[f"{JOINT_HEAD}.bias"] = (rows[0],)
    return rest


def _n_inputs(widths: Sequence[int], feature_dim: int) -> int:
    """Return the number of distinct inputs to the heads, or 0 if their widths do not match.

    The second half of the heads may share the inputs of the first: both heads of EfficientFormer
    use the same features, while DeiT's use one token each.
    """
    half = len(widths) // 2
    if sum(widths) == feature_dim:
        return len(widths)
    if sum(widths[:half]) == feature_dim and widths[:half] == widths[half:]:
        return half
    return 0


def _share(tensors: Mapping[str, Tensor], head: str, heads: Sequence[str]) -> float:
    """Return a head's weight in the mean: equal, except in EfficientViM, which learns it."""
    group, _, place = head.rpartition(".")
    learned = tensors.get(group.replace("heads", "weights")) if group.startswith("heads") else None
    if learned is None:
        return 1 / len(heads)
    # `heads` and `heads_dist` each have their own `weights`, and count equally.
    return float(learned.float().softmax(0)[int(place)]) * len(learned) / len(heads)


def _number(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """Return a head's tensor in single precision; its values are checked under the file's name."""
    tensor = tensors[name]
    if not (tensor.dtype.is_floating_point and torch.isfinite(tensor.float()).all()):
        raise InvalidCheckpoint(
            f"The tensor “{name}” has values that are not finite floating-point numbers; upload a "
            "checkpoint with floating-point weights from before the training diverged."
        )
    return tensor.float()
