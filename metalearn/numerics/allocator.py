"""Reuse of freed memory for the next tensor.

A layer's output is a few megabytes and lives for milliseconds. By default, glibc maps and unmaps
each, so the kernel has to zero its pages every time: a tenth of a step of FREE's recovery and a
quarter of one of its replay, with 105,000 and 66,000 page faults (Conv4-32, one core). Keeping the
memory avoids nearly all of them.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# The largest value that every 64-bit glibc accepts: half of a thread's heap.
_MMAP_BYTES = 32 * 2**20
_TRIM_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Keep up to 1 GiB of freed memory in this process. Returns False without glibc.

    Tensors above 32 MiB are still given back at once.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS have none, Windows no such CDLL
        return False
    return all(
        mallopt(which, size) == 1
        for which, size in ((_M_MMAP_THRESHOLD, _MMAP_BYTES), (_M_TRIM_THRESHOLD, _TRIM_BYTES))
    )
