from metalearn.settings import Preset

PRESETS = (
    Preset(
        "standard",
        "The paper's images and curriculum, with the changes that helped most in the few steps "
        "that a CPU can take: prototypes, a larger batch-norm weight, augmented images.",
    ),
    Preset(
        "published",
        "The paper's method and hyper-parameters: MAML with one inner step, started from the mean "
        "of the models if the pool has two alike, and ICFIL; only the number of steps is scaled "
        "down, from 60,000.",
        {
            "outer_steps": 1_000,
            "curriculum_start": 67,  # 4,000 scaled like the 60,000 steps
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
