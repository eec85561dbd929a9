"""Tensors that are no whole model are refused by their right name, with what helps."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from metalearn.checkpoint import read_tensors
from metalearn.checkpoint.contents import LeftOut, open_contents
from metalearn.errors import InvalidCheckpoint

WEIGHT = torch.ones(2, 3)
FLOAT8 = WEIGHT.to(torch.float8_e4m3fn)
PACKED = torch.ones(4, 3, dtype=torch.uint8)

STATES: dict[str, tuple[dict[str, torch.Tensor], str]] = {
    "float8": ({"fc.weight": FLOAT8, "fc.weight_scale": torch.ones(1)}, "quantised .float8_e4m3fn"),
    "int8": ({"fc.weight": PACKED.to(torch.int8), "fc.bias": torch.ones(4)}, "quantised .int8"),
    "bitsandbytes": ({"fc.weight": PACKED, "fc.weight.absmax": torch.ones(4)}, "quantised"),
    "GPTQ": ({"fc.qweight": PACKED.int(), "fc.scales": torch.ones(4)}, "quantised"),
    "LoRA": (
        {
            "base_model.model.fc.lora_A.weight": WEIGHT,
            "base_model.model.fc.lora_B.weight": WEIGHT * 2,
        },
        r"adapter .*merge_and_unload",
    ),
    "LoRA beside its model": (
        {"fc.base_layer.weight": WEIGHT, "fc.lora_A.default.weight": WEIGHT * 2},
        "adapter",
    ),
    "complex": ({"w": torch.ones(2, dtype=torch.complex64)}, r"dtype complex64.*model\.float\(\)"),
    "16-bit whole numbers": ({"w": torch.ones(2).to(torch.uint16)}, "dtype uint16"),
}


@pytest.mark.parametrize("case", STATES)
@pytest.mark.parametrize("layout", ["torch", "safetensors"])
def test_weights_of_other_kinds_are_named(case: str, layout: str, tmp_path: Path) -> None:
    state, says = STATES[case]
    if layout == "torch":
        torch.save(state, tmp_path / "file")
    else:
        safetensors.torch.save_file(state, tmp_path / "file")
    with pytest.raises(InvalidCheckpoint, match=says):
        read_tensors(tmp_path / "file")


def test_one_odd_tensor_beside_the_weights_is_left_out(tmp_path: Path) -> None:
    state = {"fc.weight": WEIGHT, "freqs": torch.ones(2, dtype=torch.complex64)}
    for write in (torch.save, safetensors.torch.save_file):
        write(state, tmp_path / "file")
        with open_contents(tmp_path / "file") as contents:
            assert set(contents.weights[0].read()) == {"fc.weight"}
            assert contents.left_out == (LeftOut("freqs", "unsupported dtype complex64"),)


@pytest.mark.filterwarnings("ignore")
def test_torchs_own_quantisation_is_named(tmp_path: Path) -> None:
    from torch.ao.nn.quantized import Linear

    torch.backends.quantized.engine = torch.backends.quantized.supported_engines[-1]
    torch.save(nn.Sequential(Linear(3, 2)).state_dict(), tmp_path / "file")
    with pytest.raises(InvalidCheckpoint, match="quantised"):
        read_tensors(tmp_path / "file")
