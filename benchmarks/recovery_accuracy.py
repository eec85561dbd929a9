"""Quality of recovered images: a learner trained on them is evaluated on real classes."""

from dataclasses import replace
from pathlib import Path

from benchmarks.recovery_methods import device_of
from metalearn.algorithms.free_plus import FreePlus, FreePlusConfig
from metalearn.datasets import read_data
from metalearn.evaluation import EvaluationPlan, evaluate
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask
from metalearn.settings import build


class Judge:
    """Evaluator that trains the same learner on each set of images, with equally many updates."""

    def __init__(self, pool: Pool, data: Path | None, updates: int, episodes: int) -> None:
        self.pool = pool
        self.episodes = episodes
        self.settings = {
            "warm_up_steps": 0,
            "outer_steps": 1,
            "replay_steps": updates,
            "replay_alignments": 1,
            "replay_batches": 0,
        }
        size = pool.image_size
        images = data and read_data(data, channels=pool.channels, image_size=size)
        self.images_by_class = images.by_class() if images else None

    def accuracies(self, tasks: list[RecoveredTask]) -> list[str]:
        """Return 1- and 5-shot accuracy with 95 % intervals; dashes without a data pack."""
        if self.images_by_class is None:
            return ["–", "–"]
        config = build(FreePlusConfig, self.settings)
        run = FreePlus(self.pool, config, device=device_of(self.pool), seed=0)
        for task in tasks:
            run.memory.add(task.images, task.labels, task.task.class_names)
        run.steps_done = 1  # skip to the replay
        while run.steps_done < run.total_steps:
            run.step()
            run.steps_done += 1
        learner = run.meta_learner()
        settings = replace(learner.defaults, precision="auto")
        plans = [EvaluationPlan(k_shot=shots, episodes=self.episodes) for shots in (1, 5)]
        found = [evaluate(learner, self.images_by_class, plan, settings) for plan in plans]
        return [f"{each.accuracy:.2f} ± {each.interval95:.2f}" for each in found]
