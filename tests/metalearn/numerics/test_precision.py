"""Which number format a device gets."""

import pytest
import torch

from metalearn.numerics import precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("has_bf16", [True, False])
def test_auto_follows_the_processor(monkeypatch: pytest.MonkeyPatch, has_bf16: bool) -> None:
    monkeypatch.setattr(precision, "_cpu_has_bf16", lambda: has_bf16)
    assert precision.uses_bf16("auto", CPU) is has_bf16
    assert precision.uses_bf16("bf16", CPU)
    assert not precision.uses_bf16("fp32", CPU)


def test_another_name_for_a_format_is_refused_instead_of_meaning_float32() -> None:
    with pytest.raises(ValueError, match="'bfloat16' is none of auto, bf16, fp32"):
        precision.uses_bf16("bfloat16", CPU)


def test_weights_stay_in_float32_under_bf16() -> None:
    layer = torch.nn.Linear(3, 2)
    with precision.autocast("bf16", CPU):
        out = layer(torch.rand(1, 3))
    out.sum().backward()
    assert out.dtype == torch.bfloat16
    assert layer.weight.grad.dtype == torch.float32


def test_convolutions_come_to_channels_last() -> None:
    layer = precision.on_device(torch.nn.Conv2d(3, 4, 3), CPU)
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
