"""Corners of torch's formats that torch.save of today does not write any more, or not yet."""

from pathlib import Path

import pytest
import torch

from metalearn.checkpoint import read_tensors
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.builders import (
    integer,
    mapping,
    name,
    pickled,
    state_dict,
    storage,
    tensor,
    text,
    tuple_of,
    zipped,
)

FLOATS = torch.arange(4.0)
BYTES = {"0": FLOATS.numpy().tobytes()}


def read(data: bytes, folder: Path) -> dict[str, torch.Tensor]:
    (folder / "file").write_bytes(data)
    return read_tensors(folder / "file")


def v3(kind: bytes, *, numel: int = 16, n_parts: int = 7) -> bytes:
    parts = [
        storage(kind="UntypedStorage", numel=numel),
        integer(0),
        tuple_of(integer(4)),
        tuple_of(integer(1)),
        b"\x89",
        b"N",
        kind,
    ]
    return name("torch._utils", "_rebuild_tensor_v3") + tuple_of(*parts[:n_parts]) + b"R"


def test_untyped_storages_are_read(tmp_path: Path) -> None:
    for kind in ("float32", "float"):
        tensors = read(zipped(state_dict(w=v3(name("torch", "float32"))), BYTES), tmp_path)
        assert torch.equal(tensors["w"], FLOATS), kind


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (v3(name("torch", "Size")), "is not a dtype"),
        (v3(b"N"), "no dtype"),
        (v3(name("torch", "float32"), n_parts=6), "wrong number"),
    ],
)
def test_untyped_storages_of_a_wrong_kind_are_refused(
    tmp_path: Path, value: bytes, says: str
) -> None:
    with pytest.raises(InvalidCheckpoint, match=says):
        read(zipped(state_dict(w=value), BYTES), tmp_path)


def test_the_oldest_form_of_a_tensor_is_read(tmp_path: Path) -> None:
    old = (
        name("torch._utils", "_rebuild_tensor")
        + tuple_of(storage(), integer(0), tuple_of(integer(4)), tuple_of(integer(1)))
        + b"R"
    )
    assert torch.equal(read(zipped(state_dict(w=old), BYTES), tmp_path)["w"], FLOATS)


def test_a_parameter_with_attributes_is_its_tensor(tmp_path: Path) -> None:
    with_state = (
        name("torch._utils", "_rebuild_parameter_with_state")
        + tuple_of(tensor(), b"\x88", b"}", b"}")
        + b"R"
    )
    assert torch.equal(read(zipped(state_dict(w=with_state), BYTES), tmp_path)["w"], FLOATS)


def test_an_ordered_dict_of_pairs_is_read(tmp_path: Path) -> None:
    pairs = tuple_of(b"](" + tuple_of(text("w"), tensor()) + b"e")
    value = pickled(name("collections", "OrderedDict") + pairs + b"R")
    assert torch.equal(read(zipped(value, BYTES), tmp_path)["w"], FLOATS)


@pytest.mark.parametrize("pairs", [b"](K\x01e", b"](" + tuple_of(b"K\x01") + b"e", b"K\x05"])
def test_an_ordered_dict_of_something_else_is_refused(tmp_path: Path, pairs: bytes) -> None:
    value = pickled(name("collections", "OrderedDict") + tuple_of(pairs) + b"R")
    with pytest.raises(InvalidCheckpoint, match="pairs"):
        read(zipped(value, {}), tmp_path)


def test_shared_storages_are_read_and_empty_tensors_left_out(tmp_path: Path) -> None:
    value = mapping(
        {
            "empty": tensor(size=(0, 3), stride=(3, 1)),
            "scalar": tensor(size=(), stride=(), offset=3),
            "half": tensor(size=(2,), offset=2),
        }
    )
    tensors = read(zipped(pickled(value), BYTES), tmp_path)
    assert "empty" not in tensors
    assert tensors["scalar"].item() == 3
    assert tensors["half"].tolist() == [2, 3]
    assert tensors["half"].untyped_storage().nbytes() == 8


def test_a_file_with_nothing_but_an_empty_tensor_is_refused(tmp_path: Path) -> None:
    from metalearn.checkpoint import write_safetensors

    write_safetensors({"w": torch.empty(0, 2)}, tmp_path / "file", {})
    with pytest.raises(InvalidCheckpoint, match="no tensors"):
        read_tensors(tmp_path / "file")


def test_a_protocol_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="protocol"):
        read(zipped(b"\x80\x09N.", {}), tmp_path)


def test_a_key_that_cannot_be_hashed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="key"):
        read(zipped(pickled(b"}]Ns"), {}), tmp_path)


def test_a_flood_of_storages_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalearn.checkpoint.torch_file.MAX_TENSORS", 1)
    many = {f"w{i}": tensor(storage(key=str(i), numel=0), size=(0,)) for i in range(5)}
    with pytest.raises(InvalidCheckpoint, match="too many storages"):
        read(zipped(state_dict(**many), {str(i): b"" for i in range(5)}), tmp_path)


def test_too_many_numbers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalearn.checkpoint.tensors.MAX_PARAMETERS", 3)
    with pytest.raises(InvalidCheckpoint, match="smaller network"):
        read(zipped(state_dict(), BYTES), tmp_path)


def test_an_empty_tensor_is_made_of_no_bytes_and_lies_within_its_storage() -> None:
    from metalearn.checkpoint.pickle_values import StorageRef, TensorRef
    from metalearn.checkpoint.tensors import materialise

    stored = StorageRef("0", torch.float32, 16)
    ref = TensorRef(stored, torch.float32, 4, (0, 3), (3, 1))
    tensors = materialise({"a": ref}, lambda _: bytearray(16))
    assert tensors["a"].shape == (0, 3)
    outside = TensorRef(stored, torch.float32, 5, (0, 3), (3, 1))
    with pytest.raises(InvalidCheckpoint, match="begins outside"):
        materialise({"a": outside}, lambda _: bytearray(16))
