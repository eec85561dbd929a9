"""The shapes that signatures state hold at every call of a test."""

import pytest
import torch
from jaxtyping import TypeCheckError

from metalearn.numerics.preparation import resized


def test_a_tensor_of_another_shape_is_refused_in_tests() -> None:
    one_picture = torch.zeros(3, 8, 8)
    with pytest.raises(TypeCheckError, match="images"):
        resized(one_picture, 4)
    assert resized(one_picture[None], 4).shape == (1, 3, 4, 4)
