"""Freed memory is kept, on the systems that can."""

import ctypes
import platform
import subprocess
import sys

import pytest

from metalearn import allocator

FAULTS = """
import resource, torch
from metalearn.allocator import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
torch.set_num_threads(1)
def layer():
    images = torch.rand(100, 3, 32, 32)
    return torch.nn.functional.conv2d(images, torch.rand(32, 3, 3, 3)).relu() + 1
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    layer()
before = faults()
for _ in range(5):
    layer()
print(faults() - before)
"""
"""How many pages the kernel brings in while a layer works, once it has worked a few times."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's own setting")
def test_memory_that_was_freed_is_used_again_with_few_page_faults():
    counts = [
        int(subprocess.check_output([sys.executable, "-c", FAULTS.format(keep=keep)]))
        for keep in (False, True)
    ]
    assert counts[0] > 1_000
    assert counts[1] < counts[0] / 10


def test_a_system_without_the_call_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert allocator.keep_freed_memory() is False
