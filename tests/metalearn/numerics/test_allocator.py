"""The C library is asked to keep freed memory, on the systems that can."""

import ctypes
import platform
from types import SimpleNamespace

import pytest

from metalearn.numerics import allocator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def test_memory_is_neither_mapped_anew_nor_given_back_for_tensors_of_megabytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # How many page faults that saves depends on where the system puts things: not for a test.
    asked = {}

    def mallopt(which: int, size: int) -> int:
        asked[which] = size
        return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(mallopt=mallopt))
    assert allocator.keep_freed_memory() is True
    assert set(asked) == {M_MMAP_THRESHOLD, M_TRIM_THRESHOLD}
    assert all(16 * 2**20 < size < 2**31 for size in asked.values())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own setting")
def test_glibc_accepts_what_it_is_asked() -> None:
    assert allocator.keep_freed_memory() is True


def test_a_system_without_the_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert allocator.keep_freed_memory() is False
