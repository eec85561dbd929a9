import hashlib
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metalearn.checkpoint import read_tensors, write_safetensors
from metalearn.checkpoint.reading import read_tensors_and_metadata
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.builders import safetensors as built

DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=9),
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(1, 4), max_size=4)),
        min_size=1,
        max_size=9,
    )
)
def test_ours_is_read_by_the_reference_library_and_by_us(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: dict[str, tuple[torch.dtype, list[int]]],
) -> None:
    path = tmp_path_factory.mktemp("tensors") / "file"
    tensors = {name: (torch.randn(shape) * 9).to(dtype) for name, (dtype, shape) in kinds.items()}
    write_safetensors(tensors, path, {"format": "pt"})
    reference = safetensors.torch.load_file(path)
    ours, metadata = read_tensors_and_metadata(path)
    assert metadata == {"format": "pt"}
    for name, tensor in tensors.items():
        assert ours[name].dtype == reference[name].dtype == tensor.dtype
        assert torch.equal(ours[name], tensor) and torch.equal(reference[name], tensor)


def test_awkward_tensors_are_written_in_row_major_order(tmp_path: Path) -> None:
    tensor = torch.arange(12.0).view(3, 4).t()[1:]
    write_safetensors({"w": tensor}, tmp_path / "file", {})
    assert torch.equal(read_tensors(tmp_path / "file")["w"], tensor)


def test_the_same_model_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    texts = {"format": "pt", "freehold": "{}", "a": "1", "b": "2"}
    tensors = {"w": torch.arange(3.0), "n": torch.arange(2), "b": torch.ones(2)}
    write_safetensors(tensors, tmp_path / "file", texts)
    digest = hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    assert digest == "e64660c8a081268b78f2900f248f07203c3d837ef60fa99ef335796993046e75"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_safetensors({"w": torch.ones(2)}, path, {})
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        write_safetensors({"w": torch.zeros(2)}, path, {})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b'{"a":{},"a":{}}', "twice"),
        (b'{"__metadata__":{"x":"1","x":"2"}}', "twice"),
        (b"[1]", "safetensors|kind"),
        (b'{"a":1} x', "JSON"),
        (b"{}\n", "JSON"),
    ],
)
def test_headers_that_could_hide_something_are_refused(
    tmp_path: Path, header: bytes, says: str
) -> None:
    (tmp_path / "file").write_bytes(built(header))
    with pytest.raises(InvalidCheckpoint, match=says):
        read_tensors(tmp_path / "file")


def test_spaces_behind_the_header_are_alignment(tmp_path: Path) -> None:
    header = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    data = built(json.dumps(header).encode(), bytes(4), padding=b"   ")
    (tmp_path / "file").write_bytes(data)
    assert read_tensors(tmp_path / "file")["w"].tolist() == [0]
