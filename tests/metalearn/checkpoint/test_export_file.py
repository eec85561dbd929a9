"""The weights of an exported program: raw bytes, and JSON that names them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metalearn.checkpoint.export_file import in_one_folder, read_exported
from metalearn.checkpoint.pickle_values import TensorRef
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.zip_reader import read_zip
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.builders import zip_of

NUMBERS = np.arange(6, dtype=np.float32)


def entry(**changes: Any) -> dict[str, Any]:
    """How torch describes NUMBERS as two rows of three."""
    sizes, strides = ([{"as_int": n} for n in (2, 3)], [{"as_int": n} for n in (3, 1)])
    meta = {"dtype": 7, "sizes": sizes, "strides": strides, "storage_offset": {"as_int": 0}}
    whole = {"path_name": "weight_0", "use_pickle": False, "tensor_meta": meta | changes}
    return whole | {key: value for key, value in changes.items() if key in whole}


@pytest.fixture
def source_of(tmp_path: Path) -> Iterator[Any]:
    opened: list[Source] = []

    def make(*configs: Any, names: tuple[str, ...] = ("model", "other")) -> Source:
        files = {"m/archive_format": b"pt2", "m/data/weights/weight_0": NUMBERS.tobytes()}
        for name, config in zip(names, configs, strict=False):
            files[f"m/data/weights/{name}_weights_config.json"] = json.dumps(config).encode()
        (tmp_path / "file").write_bytes(zip_of(files))
        opened.append(Source(tmp_path / "file"))
        return opened[-1]

    yield make
    for source in opened:
        source.__exit__(None, None, None)


def test_tensors_are_described_and_their_bytes_read_when_asked_for(source_of: Any) -> None:
    source = source_of({"config": {"fc.weight": entry()}})
    state, read_storage = read_exported(source, in_one_folder(read_zip(source)[1]))
    assert isinstance(state, dict)
    ref = state["fc.weight"]
    assert isinstance(ref, TensorRef)
    assert (ref.size, ref.stride, ref.offset) == ((2, 3), (3, 1), 0)
    assert bytes(read_storage(ref.storage)) == NUMBERS.tobytes()


@pytest.mark.parametrize(
    ("configs", "says"),
    [
        ([], "without weights in it"),
        ([{"config": {}}, {"config": {}}], "the weights of 2 models"),
        ([[]], "list of weights is missing"),
        ([{"config": {"w": entry(dtype=99)}}], "unknown dtype"),
        ([{"config": {"w": entry(use_pickle=True)}}], "not described the way torch does"),
        ([{"config": {"w": entry(path_name="../../etc")}}], "bytes of “w” are missing"),
        ([{"config": {"w": entry(sizes=[{"as_expr": "s0"}])}}], "impossible shape"),
        ([{"config": {"w": entry(strides=[])}}], "impossible shape"),
        ([{"config": {"w": entry(storage_offset={"as_int": -1})}}], "impossible shape"),
    ],
)
def test_what_torch_would_not_write_is_refused(
    source_of: Any, configs: list[Any], says: str
) -> None:
    source = source_of(*configs)
    with pytest.raises(InvalidCheckpoint, match=says):
        read_exported(source, in_one_folder(read_zip(source)[1]))


def test_members_that_are_not_in_one_folder_are_refused(source_of: Any) -> None:
    member = next(iter(read_zip(source_of())[1].values()))
    assert in_one_folder({"a/x": member, "a/y/z": member}) == {"x": member, "y/z": member}
    for names in (("a/x", "b/y"), ("a/x", "y")):
        with pytest.raises(InvalidCheckpoint, match="not in one folder"):
            in_one_folder(dict.fromkeys(names, member))
