"""Numbers of kinds that no network is built of are named, with the cure that helps each."""

import pytest
import torch

from metalearn.checkpoint.kinds import USABLE, is_quantised, kind_name, unusable


@pytest.mark.parametrize("dtype", [torch.float8_e5m2, torch.qint8, torch.quint8])
def test_packed_numbers_are_quantised_and_their_cure_is_the_model_before_that(
    dtype: torch.dtype,
) -> None:
    kind = kind_name(dtype)
    assert is_quantised(kind) and dtype not in USABLE
    assert f"quantised ({kind})" in str(unusable("w", kind))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.uint16])
def test_other_numbers_are_to_be_saved_as_floats(dtype: torch.dtype) -> None:
    kind = kind_name(dtype)
    assert not is_quantised(kind) and dtype not in USABLE
    assert "model.float()" in str(unusable("w", kind))


def test_a_tensors_name_is_made_safe_to_show() -> None:
    assert "\x1b" not in str(unusable("\x1b[2J", "complex64"))
