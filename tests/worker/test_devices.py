"""Which device a worker takes, on machines with and without GPUs."""

import pytest
import torch

from metalearn.errors import InvalidSetting
from worker.devices import pick_device, set_up_cpu


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Free bytes of each GPU of a pretended machine; a test fills the list."""
    free: list[int] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (free[index], 100))
    return free


def test_without_a_gpu_auto_is_the_cpu(gpus: list[int]) -> None:
    assert pick_device() == torch.device("cpu")


def test_auto_takes_the_gpu_with_the_most_free_memory(gpus: list[int]) -> None:
    gpus[:] = [10, 90, 40]
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda:1")


def test_a_named_device_is_taken(gpus: list[int]) -> None:
    gpus[:] = [10, 90]
    assert pick_device("cuda:0") == torch.device("cuda:0")
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("preference", ["cuda", "cuda:0", "tpu", ""])
def test_a_device_that_is_not_there_is_refused(gpus: list[int], preference: str) -> None:
    with pytest.raises(InvalidSetting, match=r"choose .*cpu"):
        pick_device(preference)


def test_threads_are_set_for_the_process_and_zero_leaves_them() -> None:
    before = torch.get_num_threads()
    try:
        set_up_cpu(1)
        assert torch.get_num_threads() == 1
        set_up_cpu(0)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
