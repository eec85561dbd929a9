"""Every claim about a tensor is compared with the bytes that are there."""

import pytest
import torch

from contract.limits import MAX_PARAMETERS
from metalearn.checkpoint.limits import MAX_TENSORS
from metalearn.checkpoint.pickle_values import StorageRef, TensorRef
from metalearn.checkpoint.tensors import check_budget, materialise, tensor_from_bytes
from metalearn.errors import InvalidCheckpoint

NUMBERS = torch.arange(6.0)
STORAGE = StorageRef("0", torch.float32, 24)


def bytes_of(_: StorageRef) -> bytearray:
    return bytearray(NUMBERS.numpy().tobytes())


def ref(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, *, negated: bool = False
) -> TensorRef:
    return TensorRef(STORAGE, torch.float32, offset, size, stride, negated)


def test_whole_storages_views_and_negated_views_are_read() -> None:
    refs = {
        "whole": ref((2, 3), (3, 1)),
        "turned": ref((3, 2), (1, 3)),
    }
    found = materialise(refs, bytes_of)
    assert list(found) == list(refs)
    assert torch.equal(found["whole"], NUMBERS.view(2, 3))
    assert torch.equal(found["turned"], NUMBERS.view(2, 3).T)
    assert found["turned"].is_contiguous()
    assert materialise({"part": ref((2,), (1,), 4)}, bytes_of)["part"].tolist() == [4, 5]
    assert materialise({"n": ref((2,), (1,), 1, negated=True)}, bytes_of)["n"].tolist() == [-1, -2]


def test_each_storage_is_read_once() -> None:
    read: list[str] = []

    def noted(storage: StorageRef) -> bytearray:
        read.append(storage.key)
        return bytes_of(storage)

    materialise({"a": ref((3,), (1,)), "b": ref((3,), (1,), 3)}, noted)
    assert read == ["0"]


@pytest.mark.parametrize(
    "claim",
    [ref((7,), (1,)), ref((3,), (1,), 4), ref((6,), (0,)), ref((2, 3), (4, 1)), ref((0,), (1,), 7)],
)
def test_a_tensor_that_does_not_lie_within_its_bytes_is_refused(claim: TensorRef) -> None:
    with pytest.raises(InvalidCheckpoint, match="bytes"):
        materialise({"w": claim}, bytes_of)


def test_many_tensors_over_the_same_bytes_are_refused_and_tied_ones_are_not() -> None:
    whole = ref((6,), (1,))
    assert len(materialise({"a": whole, "b": whole}, bytes_of)) == 2
    with pytest.raises(InvalidCheckpoint, match="claim 72 bytes"):
        materialise({"a": whole, "b": whole, "c": whole}, bytes_of)


def test_too_many_tensors_or_numbers_are_refused_also_where_they_are_empty() -> None:
    with pytest.raises(InvalidCheckpoint, match="tensors, more than"):
        check_budget([(1,)] * (MAX_TENSORS + 1))
    for size in ((MAX_PARAMETERS + 1,), (0, MAX_PARAMETERS, 2)):
        with pytest.raises(InvalidCheckpoint, match="numbers, more than"):
            check_budget([size])


def test_truth_values_are_nothing_but_true_and_false() -> None:
    assert tensor_from_bytes("m", bytearray(b"\1\0"), torch.bool, (2,)).tolist() == [True, False]
    with pytest.raises(InvalidCheckpoint, match="neither true nor false"):
        tensor_from_bytes("m", bytearray(b"\2\0"), torch.bool, (2,))
