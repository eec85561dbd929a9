"""Rare opcodes mean what pickle says, and those that could make objects mean nothing."""

import pytest

from metalearn.checkpoint.pickle_machine import PickleMachine
from metalearn.checkpoint.pickle_opcodes import ACTIONS
from metalearn.checkpoint.pickle_values import Value
from tests.metalearn.checkpoint.pickles import refuse


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"S'it\\'s'\n.", "it's"),
        (b'S"a\\x41"\n.', "aA"),
        (b"T\x02\x00\x00\x00ab.", "ab"),
        (b"U\x02ab.", "ab"),
        (b"Va\\u00fc\n.", "aü"),
        (b"I00\n.", False),
        (b"I01\n.", True),
        (b"I-7\n.", -7),
        (b"L12345678901234567890L\n.", 12345678901234567890),
        (b"F1.5\n.", 1.5),
        (b"(K\x01K\x02l.", [1, 2]),
        (b"(K\x01K\x02d.", {1: 2}),
        (b"ctorch\nSize\n((K\x02K\x03ttR.", (2, 3)),
        (b"ctorch\nSize\n)R.", ()),
        (b"ctorch\ndevice\n(U\x04cudaK\x01tR.", "cuda:1"),
        (b"ccollections\nOrderedDict\n(](](K\x01K\x02eetR.", {1: 2}),
        (b"clightning.fabric.utilities.data\nAttributeDict\n)\x81(U\x02lrK\x01u.", {"lr": 1}),
        (b"K\x05p3\n0g3\n.", 5),
        (b"K\x05r\x01\x02\x03\x040j\x01\x02\x03\x04.", 5),
        (b"\x8b\x02\x00\x00\x00\x00\x80.", -32768),
    ],
)
def test_rare_opcodes_mean_what_pickle_says(data: bytes, value: Value) -> None:
    assert PickleMachine(data, refuse).run() == value


def test_what_could_make_objects_has_no_meaning() -> None:
    forbidden = b"ioP\x92\x82\x83\x84\x97\x98"
    assert not set(forbidden) & set(ACTIONS)
