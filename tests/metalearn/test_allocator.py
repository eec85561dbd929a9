"""Freed memory is kept, on the systems that can."""

import ctypes
import platform
import resource
import subprocess
import sys

import pytest

from metalearn import allocator

FAULTS = """
import resource, torch
from metalearn.allocator import keep_freed_memory
if {keep}: assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.ones(4_000_000)
before = faults()
for _ in range(10):
    torch.ones(4_000_000)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own setting")
def test_memory_that_was_freed_is_used_again_with_few_page_faults():
    counts = [
        int(subprocess.check_output([sys.executable, "-c", FAULTS.format(keep=keep)]))
        for keep in (False, True)
    ]
    pages = 10 * 4 * 4_000_000 // resource.getpagesize()
    assert counts[0] > pages / 2
    assert counts[1] < counts[0] / 2


def test_a_system_without_the_call_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert allocator.keep_freed_memory() is False
