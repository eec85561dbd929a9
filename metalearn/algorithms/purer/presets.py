"""PURER's presets."""

from metalearn.settings import Preset

PRESETS = (
    Preset(
        "standard",
        "The paper's images and curriculum with what taught the learner more in the few steps "
        "that a processor can take: prototypes, a heavier batch-norm term, augmented pictures.",
    ),
    Preset(
        "published",
        "The paper's method with its own weights: MAML of one inner step, started from the mean of "
        "the models where the pool has two alike, and ICFIL; only the number of steps is scaled "
        "down, from 60,000.",
        {
            "outer_steps": 1_000,
            "curriculum_start": 67,  # of 4,000, as 1,000 steps are of 60,000
            # The paper's pool has 13 models, all of which shape the images in every step.
            "teachers_per_step": 13,
            "batchnorm_weight": 0.01,
            "meta_learner": "maml",
            "initialisation": "where_possible",
            "augmentation": 0.0,
            "calibrate": "icfil",
        },
    ),
)
