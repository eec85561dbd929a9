"""A network that normalises its images itself has the numbers beside its weights."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from metalearn.checkpoint.normalisation import Normalisation, check_inside, inside
from metalearn.checkpoint.weights import Part, Weights
from metalearn.errors import InvalidCheckpoint


def weights_of(tensors: dict[str, Tensor]) -> Weights:
    def read(names: Sequence[str]) -> dict[str, Tensor]:
        return {name: tensors[name] for name in names}

    parts = {name: Part(name, tuple(t.shape), t.dtype) for name, t in tensors.items()}
    return Weights("raw", "", parts, read)


def found_in(mean: Tensor, std: Tensor, channels: int = 3) -> Normalisation | None:
    weights = weights_of({"norm.mean": mean, "norm._std": std})
    return inside(weights, ["norm.mean", "norm._std"], channels)


def test_numbers_of_any_shape_with_one_for_each_channel_are_found() -> None:
    found = found_in(torch.tensor([0.5, 0.25, 0.75]).view(1, 3, 1, 1), torch.full((3,), 0.5))
    assert found == Normalisation((0.5, 0.25, 0.75), (0.5, 0.5, 0.5))


def test_numbers_for_pixels_up_to_255_are_brought_to_one() -> None:
    found = found_in(torch.full((3,), 51.0), torch.full((3,), 102.0))
    assert found == Normalisation((0.2,) * 3, (0.4,) * 3)


def test_without_both_or_with_several_of_one_name_there_is_none() -> None:
    ones = torch.ones(3)
    assert inside(weights_of({"mean": ones}), ["mean"], 3) is None
    several = {"a.mean": ones, "b.mean": ones, "std": ones}
    assert inside(weights_of(several), list(several), 3) is None
    assert found_in(torch.ones(4), torch.ones(4)) is None


def test_other_numbers_than_the_networks_own_are_refused_with_its_own() -> None:
    own = Normalisation((0.5,), (0.25,))
    check_inside(own, (0.5004,), (0.25,))
    check_inside(None, (0.1,), (0.1,))
    for mean, std in (((0.4,), (0.25,)), ((0.5, 0.5), (0.25, 0.25))):
        with pytest.raises(InvalidCheckpoint, match=r"mean 0\.5 and standard deviation 0\.25"):
            check_inside(own, mean, std)
