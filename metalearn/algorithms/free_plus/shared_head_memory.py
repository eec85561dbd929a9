import torch

from metalearn.algorithms.free.distiller import Distillation
from metalearn.algorithms.free.learner_inputs import augmented
from metalearn.algorithms.free.shared_head import SharedHeadDistiller
from metalearn.algorithms.free_plus.config import FreePlusConfig
from metalearn.pool import Pool, Teacher
from metalearn.recovery.inversion import RecoveredTask, TeacherTask
from metalearn.recovery.task_memory import TaskMemory


class SharedHeadMemoryDistiller(SharedHeadDistiller):
    """FREE's distillation, repeated on remembered images of each teacher's own classes."""

    config: FreePlusConfig

    def __init__(self, pool: Pool, config: FreePlusConfig, device: torch.device) -> None:
        super().__init__(pool, config)
        self.device = device

    def remembered(self, memory: TaskMemory, rng: torch.Generator) -> list[Distillation]:
        """Return losses for newly sampled teachers, except those with too few remembered images."""
        drawn = [
            remembered_task(memory, teacher, self.config, device=self.device, rng=rng)
            for teacher in self.pool.sample(self.config.teachers_per_step, rng)
        ]
        return self.losses([augmented(task, self.config, rng) for task in drawn if task])


def remembered_task(
    memory: TaskMemory,
    teacher: Teacher,
    config: FreePlusConfig,
    *,
    device: torch.device,
    rng: torch.Generator,
) -> RecoveredTask | None:
    """Return remembered images of a teacher's classes, or None if there are too few."""
    task = TeacherTask.sample(teacher, config.n_way, rng)
    names = task.memory_names(merge=config.merge_classes)
    pixels = memory.images_of(names, config.images_per_class, rng)
    if pixels is None:
        return None
    labels = torch.arange(task.n_way).repeat(config.images_per_class)
    return RecoveredTask(task, pixels.to(device).float() / 255, labels.to(device), {}, 0.0)
