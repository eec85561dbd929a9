"""NumPy's values in a pickle, as data that NumPy itself never sees."""

from typing import Any

import numpy as np
import pytest

from metalearn.checkpoint.pickle_machine import PickleMachine
from metalearn.checkpoint.pickle_numpy import NumpyArray
from metalearn.checkpoint.pickle_values import Record, Value
from tests.metalearn.checkpoint.pickles import dumps, refuse


def read(value: Any, protocol: int = 2) -> Value:
    return PickleMachine(dumps(value, protocol), refuse).run()


@pytest.mark.parametrize(
    "value",
    [np.float64(1.5), np.float32(0.25), np.float16(2), np.int64(-3), np.uint8(7), np.bool_(True),
     np.str_("cät"), np.bytes_(b"cat")],
)  # fmt: skip
@pytest.mark.parametrize("protocol", [2, 5])
def test_numbers_and_texts_become_pythons(value: Any, protocol: int) -> None:
    found = read(value, protocol)
    assert found == (value.decode() if isinstance(value, bytes) else value.item())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f8", "i2", "U5", "S5"])
def test_flat_arrays_give_their_values(kind: str, order: str) -> None:
    array = np.array([1, 2, 3]).astype(order + kind)
    found = read(array)
    assert isinstance(found, NumpyArray)
    expected = [item.decode() if isinstance(item, bytes) else item for item in array.tolist()]
    assert found.values(3) == expected
    assert found.values(2) is None


@pytest.mark.parametrize(
    "array", [np.ones((2, 2)), np.array(3.0), np.array([], dtype="U1"), np.array([], dtype="f4")]
)
def test_other_arrays_give_none_or_nothing(array: Any) -> None:
    found = read(array)
    assert isinstance(found, NumpyArray)
    assert not found.values(9)


def test_letters_that_do_not_exist_give_none() -> None:
    array = np.array([0x7FFFFFFF], dtype="<u4").view("<U1")
    found = read(array)
    assert isinstance(found, NumpyArray) and found.values(9) is None


def test_a_shape_that_does_not_fit_its_bytes_gives_none() -> None:
    found = read(np.ones(2))
    assert isinstance(found, NumpyArray)
    found.shape = (3,)
    assert found.values(9) is None


class Listed(list):
    pass


class Mapped(dict):
    pass


class Counted(int):
    pass


@pytest.mark.parametrize("protocol", [1, 2, 4])
def test_objects_of_containers_classes_keep_their_items(protocol: int) -> None:
    listed, mapped = read(Listed([1, 2]), protocol), read(Mapped(a=1), protocol)
    assert isinstance(listed, Record) and listed.items == [1, 2]
    assert isinstance(mapped, Record) and mapped.items == {"a": 1}
    number = read(Counted(3), protocol)
    assert isinstance(number, Record) and number.args == (3,)
