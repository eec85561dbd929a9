"""Has the C library keep freed memory for the next tensor instead of giving it back.

A layer's output is a few megabytes and lives for milliseconds. Left to itself, glibc maps and
unmaps each, so that the kernel has to fill it with zeros, page by page, every time it is used: a
tenth of a step of FREE's recovery and a quarter of one of its replay, in 105,000 and 66,000 page
faults (Conv4-32, one core). With this there are next to none.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# The largest that every glibc takes: half of a thread's heap, on machines of 64 bits.
_MMAP_BYTES = 32 * 2**20
_TRIM_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Keep up to 1 GiB of freed memory in this process; False where there is no glibc to ask.

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
