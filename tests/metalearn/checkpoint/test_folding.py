"""What training keeps apart is one weight again, and what is no weight is left out."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from metalearn.checkpoint.contents import Contents, LeftOut, open_contents
from metalearn.errors import InvalidCheckpoint

State = dict[str, Tensor]


def look(state: State, folder: Path) -> tuple[Contents, State]:
    torch.save(state, folder / "file.pt")
    with open_contents(folder / "file.pt") as contents:
        (weights,) = contents.weights
        tensors = weights.read()
        assert weights.shapes == {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        return contents, tensors


def old_weight_norm(layer: nn.Module, dim: int | None) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(layer, dim=dim)  # type: ignore[arg-type]  # torch takes None


NORMS: dict[str, Callable[[nn.Module, int | None], nn.Module]] = {
    "old": old_weight_norm,
    "parametrised": lambda layer, dim: parametrizations.weight_norm(layer, dim=dim),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_is_folded(norm: str, dim: int | None, tmp_path: Path) -> None:
    if norm == "parametrised" and dim is None:
        pytest.skip("torch has no such one")
    torch.manual_seed(0)
    layer = NORMS[norm](nn.Conv2d(3, 4, 2), dim)
    network = nn.Sequential(layer, nn.Linear(2, 2))
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    _, tensors = look(dict(network.state_dict()), tmp_path)
    layer(torch.zeros(1, 3, 4, 4))
    assert set(tensors) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    assert torch.allclose(tensors["0.weight"], layer.weight.detach(), atol=1e-6)


def test_weight_norm_of_a_single_layer_is_folded(tmp_path: Path) -> None:
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    _, tensors = look(dict(layer.state_dict()), tmp_path)
    assert set(tensors) == {"weight", "bias"}
    assert torch.allclose(tensors["weight"], layer.weight.detach())


def test_a_direction_without_a_length_is_reported(tmp_path: Path) -> None:
    state = {"a.weight_g": torch.ones(2, 1), "a.weight_v": torch.zeros(2, 3)}
    with pytest.raises(InvalidCheckpoint, match="The weight norm of “a.weight” gives values"):
        look(state, tmp_path)


def test_pruning_is_folded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 3)
    prune.l1_unstructured(layer, "weight", amount=5)
    _, tensors = look(dict(layer.state_dict()), tmp_path)
    assert set(tensors) == {"weight", "bias"}
    assert torch.equal(tensors["weight"], layer.weight.detach())
    assert (tensors["weight"] == 0).sum() == 5


@pytest.mark.parametrize(
    "state",
    [
        {"x_v": torch.ones(2, 3), "b": torch.ones(1)},
        {"x_g": torch.ones(2, 1), "x_v": torch.ones(3, 2)},
        {"x_g": torch.ones(2, 1), "x_v": torch.ones(2, 3), "x": torch.ones(2, 3)},
        {"x_g": torch.ones(2, 1).int(), "x_v": torch.ones(2, 3)},
        {"x_mask": torch.ones(2), "x_orig": torch.ones(3)},
    ],
)
def test_names_that_only_look_like_pairs_stay(state: State, tmp_path: Path) -> None:
    assert set(look(state, tmp_path)[1]) == set(state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_counters_are_whole_numbers_again(dtype: torch.dtype, tmp_path: Path) -> None:
    values = {"a": 3.0, "b": 7.4, "c": float("inf"), "d": float("nan"), "e": -1.0}
    state = {f"{n}.num_batches_tracked": torch.tensor(v, dtype=dtype) for n, v in values.items()}
    _, tensors = look(state, tmp_path)
    assert [tensor.item() for tensor in tensors.values()] == [3, 7, 0, 0, 0]


def test_counters_of_thop_and_empty_tensors_are_left_out(tmp_path: Path) -> None:
    state = {
        "a.weight": torch.ones(2),
        "total_ops": torch.zeros(1),
        "a.total_params": torch.zeros(1),
        "dummy": torch.empty(0),
    }
    contents, tensors = look(state, tmp_path)
    assert set(tensors) == {"a.weight"}
    assert set(contents.left_out) == {
        LeftOut("total_ops", "a counter of thop"),
        LeftOut("a.total_params", "a counter of thop"),
        LeftOut("dummy", "an empty tensor"),
    }


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "_forward_module.",
        "_fsdp_wrapped_module.",
        "_fsdp_wrapped_module._checkpoint_wrapped_module.",
    ],
)
def test_wrappers_that_can_be_nothing_else_are_taken_off(prefix: str, tmp_path: Path) -> None:
    inside = "layer1._checkpoint_wrapped_module.0._orig_mod.conv.weight"
    state = {prefix + "fc.weight": torch.ones(2), prefix + inside: torch.ones(3)}
    assert set(look(state, tmp_path)[1]) == {"fc.weight", "layer1.0.conv.weight"}


@pytest.mark.parametrize("prefix", ["backbone.", "model.", "1.", "encoder.module."])
def test_other_prefixes_stay(prefix: str, tmp_path: Path) -> None:
    state = {prefix + "fc.weight": torch.ones(2)}
    assert set(look(state, tmp_path)[1]) == set(state)


def test_a_name_that_two_wrappers_give_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="twice"):
        look({"module.w": torch.ones(2), "w": torch.ones(2)}, tmp_path)
