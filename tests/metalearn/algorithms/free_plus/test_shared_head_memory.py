"""Teachers are asked about remembered images of their own classes, once there are enough."""

import pytest
import torch

from metalearn.algorithms.free_plus import FreePlusConfig
from metalearn.algorithms.free_plus.shared_head_memory import (
    SharedHeadMemoryDistiller,
    remembered_task,
)
from metalearn.pool import Pool
from metalearn.recovery.task_memory import TaskMemory

CPU = torch.device("cpu")
CONFIG = FreePlusConfig(n_way=3, images_per_class=2, augmentation=0.0, precision="fp32")


@pytest.fixture
def memory() -> TaskMemory:
    """Three images of each class of the first teacher, whose brightness says of which."""
    held = TaskMemory(n_classes=5, images_per_class=9, image_bytes=768, max_bytes=2**20)
    images = torch.arange(9).remainder(3).div(2).view(9, 1, 1, 1).expand(9, 3, 16, 16)
    held.add(images, torch.arange(9) % 3, ["cat", "dog", "owl"])
    return held


def test_a_task_has_images_of_its_own_classes_in_turn(tiny_pool: Pool, memory: TaskMemory) -> None:
    rng = torch.Generator().manual_seed(0)
    task = remembered_task(memory, tiny_pool.teachers[0], CONFIG, device=CPU, rng=rng)
    assert task is not None
    assert task.labels.tolist() == [0, 1, 2, 0, 1, 2]
    brightness = {"cat": 0.0, "dog": 128 / 255, "owl": 1.0}
    for image, label in zip(task.images, task.labels, strict=True):
        expected = brightness[task.task.class_names[int(label)]]
        assert image.mean().item() == pytest.approx(expected, abs=0.01)


def test_a_teacher_whose_classes_the_memory_lacks_is_not_asked(
    tiny_pool: Pool, memory: TaskMemory
) -> None:
    rng = torch.Generator().manual_seed(0)
    four = FreePlusConfig(n_way=4, images_per_class=2)
    assert remembered_task(memory, tiny_pool.teachers[1], four, device=CPU, rng=rng) is None
    many = FreePlusConfig(n_way=3, images_per_class=4)
    assert remembered_task(memory, tiny_pool.teachers[0], many, device=CPU, rng=rng) is None


def test_there_is_no_lesson_while_nothing_is_remembered(tiny_pool: Pool) -> None:
    empty = TaskMemory(n_classes=5, images_per_class=9, image_bytes=768, max_bytes=2**20)
    distiller = SharedHeadMemoryDistiller(tiny_pool, CONFIG, CPU)
    assert distiller.remembered(empty, torch.Generator().manual_seed(0)) == []
