"""Which device a worker computes on, and how many threads it uses."""

import logging

import torch

from metalearn.errors import InvalidSetting
from metalearn.numerics.allocator import keep_freed_memory

log = logging.getLogger(__name__)


def pick_device(preference: str = "auto") -> torch.device:
    """The device for a preference: `auto`, `cpu`, `cuda` or one GPU such as `cuda:1`.

    `auto` and `cuda` take the GPU with the most free memory; `auto` without a GPU takes the
    CPU. Raises InvalidSetting for a device that this machine does not have.
    """
    n_gpus = torch.cuda.device_count()
    if preference == "cpu" or (preference == "auto" and not n_gpus):
        return torch.device("cpu")
    if preference in {"auto", "cuda"}:
        if not n_gpus:
            raise InvalidSetting("This machine has no usable GPU; choose auto or cpu.")
        return torch.device("cuda", max(range(n_gpus), key=_free_of_gpu))
    if preference in {f"cuda:{index}" for index in range(n_gpus)}:
        return torch.device(preference)
    known = ", ".join(["auto", "cpu", *(f"cuda:{index}" for index in range(n_gpus))])
    raise InvalidSetting(f"There is no device “{preference[:40]}” here; choose one of {known}.")


def set_up_cpu(threads: int = 0) -> None:
    """Let PyTorch use this many threads in this process; 0 leaves its own choice.

    Several workers on one machine want one each: two that share cores are slower than one.
    Memory that one step frees is kept for the next.
    """
    keep_freed_memory()
    if threads > 0:
        torch.set_num_threads(threads)
    log.info("computing with %d threads", torch.get_num_threads())


def _free_of_gpu(index: int) -> int:
    free, _total = torch.cuda.mem_get_info(index)
    return int(free)
