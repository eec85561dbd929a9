"""What a pickle of weights is made of: storages, tensors and keys, each within its bounds."""

import pytest
import torch

from metalearn.checkpoint.pickle_values import (
    MEANINGS,
    Global,
    Record,
    StorageRef,
    TensorRef,
    Value,
    check_key,
    storage_ref,
)
from metalearn.errors import InvalidCheckpoint

STORAGE = StorageRef("0", torch.float32, 16)
REBUILD = "torch._utils._rebuild_tensor_v2"


def rebuilt(*arguments: Value, function: str = REBUILD) -> Value:
    return MEANINGS[function](arguments)


def test_a_storage_has_as_many_bytes_as_its_kind_of_number_takes() -> None:
    assert storage_ref(Global("torch.HalfStorage"), "1", 3) == StorageRef("1", torch.float16, 6)
    assert storage_ref(Global("torch.storage.UntypedStorage"), "1", 3) == StorageRef("1", None, 3)


@pytest.mark.parametrize(
    ("kind", "key", "numel"),
    [
        ("torch.HalfStorage", "0", 1),
        (Global("torch.Size"), "0", 1),
        (Global("torch.HalfStorage"), 0, 1),
        (Global("torch.HalfStorage"), "0" * 101, 1),
        (Global("torch.HalfStorage"), "0", -1),
        (Global("torch.HalfStorage"), "0", True),
    ],
)
def test_a_storage_that_torch_would_not_describe_so_is_refused(
    kind: Value, key: Value, numel: Value
) -> None:
    with pytest.raises(InvalidCheckpoint):
        storage_ref(kind, key, numel)


def test_a_tensor_is_described_by_its_place_in_a_storage() -> None:
    found = rebuilt(STORAGE, 1, (3,), (1,), False, {})
    assert found == TensorRef(STORAGE, torch.float32, 1, (3,), (1,))
    third = "torch._utils._rebuild_tensor_v3"
    untyped = StorageRef("0", None, 16)
    arguments: tuple[Value, ...] = (untyped, 0, (8,), (1,), False, {}, Global("torch.half"))
    assert rebuilt(*arguments, function=third) == TensorRef(untyped, torch.float16, 0, (8,), (1,))


def test_pending_signs_are_kept_where_the_numbers_have_any() -> None:
    negated = rebuilt(STORAGE, 0, (3,), (1,), False, {}, {"neg": True})
    assert isinstance(negated, TensorRef) and negated.negated
    whole = StorageRef("0", torch.int64, 32)
    with pytest.raises(InvalidCheckpoint, match="no sign"):
        rebuilt(whole, 0, (3,), (1,), False, {}, {"neg": True})
    with pytest.raises(InvalidCheckpoint, match="resolve_conj"):
        rebuilt(STORAGE, 0, (3,), (1,), False, {}, {"conj": True})


@pytest.mark.parametrize("key", ["a", 3, 1.5, True, b"x", None, Global("a.B")])
def test_plain_keys_stay_as_they_are(key: Value) -> None:
    assert check_key(key) is key


def test_a_tuple_becomes_a_key_that_is_cheap_to_hash() -> None:
    key = check_key(((1, 2), 3))
    assert isinstance(key, Record) and key.args == ((1, 2), 3)


@pytest.mark.parametrize("key", [[1], {}, "x" * 1001, 2**53 + 1, -(2**60), float("inf")])
def test_keys_that_cost_time_are_refused(key: Value) -> None:
    with pytest.raises(InvalidCheckpoint, match="dictionary has a"):
        check_key(key)
