"""A file with several sets of weights gives all of them, and no tensor before it is asked for."""

import argparse
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from metalearn.checkpoint import read_tensors
from metalearn.checkpoint.contents import Contents, LeftOut, open_contents
from metalearn.errors import InvalidCheckpoint

RAW = {"fc.weight": torch.arange(6.0).view(2, 3), "fc.bias": torch.ones(2)}
AVERAGE = {name: tensor + 0.5 for name, tensor in RAW.items()}
COUNTED = {"n_averaged": torch.tensor(7)} | {f"module.{n}": t for n, t in AVERAGE.items()}

BOTH = {
    "timm": ({"state_dict": RAW, "state_dict_ema": AVERAGE}, "state_dict_ema", "state_dict"),
    "torchvision": ({"model": RAW, "model_ema": COUNTED}, "model_ema", "model"),
    "ema": ({"model": RAW, "ema": AVERAGE, "updates": 3}, "ema", "model"),
    "ema_state_dict": ({"net": RAW, "ema_state_dict": AVERAGE}, "ema_state_dict", "net"),
    "ema_model": ({"model": RAW, "ema_model": {"model": AVERAGE}}, "ema_model.model", "model"),
    "model_ema.module": (
        {"model": RAW, "model_ema": {"module": AVERAGE, "decay": 0.9}},
        "model_ema.module",
        "model",
    ),
    "swa": ({"model": RAW, "swa_state_dict": COUNTED}, "swa_state_dict", "model"),
    "averaged_model": ({"model": RAW, "averaged_model": COUNTED}, "averaged_model", "model"),
    "Lightning": (
        {
            "state_dict": AVERAGE,
            "current_model_state": RAW,
            "averaging_state": {"n_averaged": torch.tensor(7)},
        },
        "state_dict",
        "current_model_state",
    ),
    "self-distillation": ({"student": RAW, "teacher": AVERAGE}, "teacher", "student"),
    "under a prefix": (
        {"state_dict": RAW | {f"model_ema.{n}": t for n, t in COUNTED.items()}},
        "state_dict.model_ema",
        "state_dict",
    ),
}


def save(value: object, folder: Path) -> Path:
    torch.save(value, folder / "file.pt")
    return folder / "file.pt"


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return list(ours) == list(theirs) and all(torch.equal(ours[n], theirs[n]) for n in theirs)


@pytest.mark.parametrize("writer", BOTH)
def test_raw_and_averaged_weights_are_both_there_and_the_average_comes_first(
    writer: str, tmp_path: Path
) -> None:
    value, average_at, raw_at = BOTH[writer]
    with open_contents(save(value, tmp_path)) as contents:
        average, raw = contents.weights
        assert (average.kind, average.where) == ("ema", average_at)
        assert (raw.kind, raw.where) == ("raw", raw_at)
        assert same(average.read(), AVERAGE) and same(raw.read(), RAW)
    assert same(read_tensors(tmp_path / "file.pt"), AVERAGE)


def test_a_counter_of_the_average_is_left_out_and_named(tmp_path: Path) -> None:
    with open_contents(save({"model": RAW, "model_ema": COUNTED}, tmp_path)) as contents:
        assert LeftOut("model_ema.n_averaged", "a counter of the average") in contents.left_out


def test_torchs_own_averaged_model_is_an_average(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(nn.Linear(3, 2))
    with open_contents(save(averaged.state_dict(), tmp_path)) as contents:
        (weights,) = contents.weights
        assert weights.kind == "ema" and set(weights.shapes) == {"weight", "bias"}


def test_an_average_without_the_statistics_is_not_the_one_to_take(tmp_path: Path) -> None:
    whole = RAW | {"norm.running_mean": torch.zeros(2)}
    with open_contents(save({"model": whole, "ema": AVERAGE}, tmp_path)) as contents:
        assert [weights.kind for weights in contents.weights] == ["raw", "ema"]


def test_weights_that_only_have_a_name_like_an_average_stay_where_they_are(tmp_path: Path) -> None:
    state = RAW | {"ema.decay": torch.ones(1)}
    with open_contents(save(state, tmp_path)) as contents:
        (weights,) = contents.weights
        assert set(weights.shapes) == set(state)


def test_the_teacher_of_another_network_is_no_average(tmp_path: Path) -> None:
    value = {"student": RAW, "teacher": {"other": torch.ones(3)}}
    assert left_out(value, tmp_path) == (LeftOut("teacher", "not a part of the model"),)


def test_shapes_are_known_before_anything_is_read(tmp_path: Path) -> None:
    path = save(RAW | {"half": torch.ones(4).half()}, tmp_path)
    content = path.read_bytes().replace(torch.ones(4).half().numpy().tobytes(), bytes(8))
    path.write_bytes(content)  # the checksum is wrong now, which only a reader of "half" can see
    with open_contents(path) as contents:
        (weights,) = contents.weights
        assert weights.shapes == {"fc.weight": (2, 3), "fc.bias": (2,), "half": (4,)}
        assert same(weights.read(["fc.bias"]), {"fc.bias": RAW["fc.bias"]})
        with pytest.raises(InvalidCheckpoint, match="checksum"):
            weights.read()
        with pytest.raises(InvalidCheckpoint, match="no tensor “fc”"):
            weights.read(["fc"])


def test_safetensors_give_the_same(tmp_path: Path) -> None:
    state = RAW | {f"ema.module.{n}": t for n, t in AVERAGE.items()}
    safetensors.torch.save_file(state, tmp_path / "file", {"architecture": "resnet18", "a": "b"})
    with open_contents(tmp_path / "file") as contents:
        average, raw = contents.weights
        assert average.shapes == {n: tuple(t.shape) for n, t in AVERAGE.items()} == raw.shapes
        assert torch.equal(average.read(["fc.bias"])["fc.bias"], AVERAGE["fc.bias"])
        assert contents.metadata == {"architecture": "resnet18", "a": "b"}
        assert contents.said.architectures == (("resnet18", "architecture"),)


def test_what_is_beside_the_weights_is_named(tmp_path: Path) -> None:
    optimiser = torch.optim.Adam([nn.Parameter(torch.ones(3))])
    value = {
        "state_dict": dict(RAW) | {"extra": None, "count": 3},
        "optimizer": optimiser.state_dict(),
        "rng": torch.get_rng_state(),
        "epoch": 3,
    }
    assert set(left_out(value, tmp_path)) == {
        LeftOut("state_dict.extra", "not a tensor"),
        LeftOut("state_dict.count", "not a tensor"),
        LeftOut("optimizer", "optimiser state"),
        LeftOut("rng", "not a part of the model"),
    }


def left_out(value: object, folder: Path) -> tuple[LeftOut, ...]:
    with open_contents(save(value, folder)) as contents:
        assert same(contents.weights[0].read(), RAW)
        return contents.left_out


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"my_net": RAW, "best_acc": torch.tensor(0.9)}, "my_net"),
        ((RAW, {"lr": 0.1}), "0"),
        ([{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}, RAW], "1"),
        ({"models": {"resnet": RAW}, "loops": {"a": {"b": torch.ones(1)}}}, "models.resnet"),
        (
            {"net_a": RAW, "optim_a": {"state": {0: {"m": torch.ones(1)}}, "param_groups": []}},
            "net_a",
        ),
    ],
)
def test_weights_are_found_under_keys_that_are_not_known(
    value: object, where: str, tmp_path: Path
) -> None:
    with open_contents(save(value, tmp_path)) as contents:
        (weights,) = contents.weights
        assert weights.where == where and same(weights.read(), RAW)


def test_parts_of_one_network_are_put_together(tmp_path: Path) -> None:
    head = {"weight": torch.ones(2), "bias": torch.zeros(2)}
    for value in (
        {"backbone": RAW, "head": head, "epoch": 3},
        {"backbone_state_dict": RAW, "head_state_dict": head},
    ):
        with open_contents(save(value, tmp_path)) as contents:
            (weights,) = contents.weights
            names = {f"backbone.{name}" for name in RAW} | {"head.weight", "head.bias"}
            assert set(weights.read()) == names


@pytest.mark.parametrize("keys", [("generator", "discriminator"), ("a", "b"), ("head", "other")])
def test_several_networks_are_refused(keys: tuple[str, str], tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidCheckpoint, match="several groups"),
        open_contents(save(dict.fromkeys(keys, RAW) | {keys[1]: AVERAGE}, tmp_path)),
    ):
        pass


def test_a_negated_view_is_read_with_its_sign(tmp_path: Path) -> None:
    imaginary = torch.complex(torch.zeros(3), torch.tensor([1.0, 2.0, 3.0])).conj().imag
    assert imaginary.is_neg()
    assert read_tensors(save({"w": imaginary}, tmp_path))["w"].tolist() == [-1, -2, -3]


def test_a_file_can_be_looked_into_by_several_readers(tmp_path: Path) -> None:
    path = save({"model": RAW, "args": argparse.Namespace(model="resnet18")}, tmp_path)
    with open_contents(path) as one, open_contents(path) as other:
        assert isinstance(one, Contents)
        assert one.said == other.said
        assert same(one.weights[0].read(), other.weights[0].read())
