"""The device and the number of threads of a worker."""

import logging

import torch

from metalearn.errors import InvalidSetting
from metalearn.numerics.allocator import keep_freed_memory

log = logging.getLogger(__name__)


def pick_device(preference: str = "auto") -> torch.device:
    """Return the device for a preference: `auto`, `cpu`, `cuda` or one GPU such as `cuda:1`.

    `auto` and `cuda` choose the GPU with the most free memory. Without a GPU, `auto` is the CPU.
    Raise InvalidSetting for a device that this machine does not have.
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
    """Set PyTorch's number of threads in this process; 0 leaves its default.

    Several workers on one machine need one each: two that share cores are slower than one. Memory
    that a step frees is kept for the next.
    """
    keep_freed_memory()
    if threads > 0:
        torch.set_num_threads(threads)
    log.info("computing with %d threads", torch.get_num_threads())


def _free_of_gpu(index: int) -> int:
    free, _total = torch.cuda.mem_get_info(index)
    return int(free)
