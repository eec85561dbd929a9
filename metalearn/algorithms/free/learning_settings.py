"""Settings of the learner that FREE and FREE+ share; their defaults are FREE's.

"Paper" means the hyper-parameters of FREE as its authors published them.
"""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.learning.replay import LEARNERS
from metalearn.settings import setting


@dataclass(frozen=True)
class AlignmentSettings:
    """How the learner follows the teachers (BELL)."""

    GROUP: ClassVar[str] = "Alignment"
    outer_optimiser: str = setting(
        "adam",
        "how the learner takes its steps: muon turns every direction of its kernels alike and "
        "leaves the rest to adam, which is the paper's for all weights; muon learns more from as "
        "many steps",
        choices=("adam", "muon"),
    )
    kernel_lr: float = setting(
        0.05, "learning rate of the learner's kernels by muon", low=1e-6, high=10.0
    )
    outer_lr: float = setting(1e-3, "learning rate by adam (paper: 0.001)", low=1e-6, high=1.0)
    lr_decay: bool = setting(
        False, "let the learner's rate fall to zero along a half cosine (paper: constant)"
    )
    alignment_lr: float = setting(
        0.01, "learning rate of the clone's steps (released code: 0.001)", low=1e-6, high=10.0
    )
    alignment_steps: int = setting(1, "steps of the clone for each teacher", low=1, high=50)
    alignment_weight: float = setting(
        1.0,
        "weight of the Reptile direction, which is taken per step and unit of learning rate",
        low=0.0,
        high=1_000.0,
    )
    distillation_head: str = setting(
        "shared",
        "shared is the paper's one linear head for all teachers, whose labels contradict one "
        "another; prototypes judges each teacher's images by their own class means",
        choices=("shared", "prototypes"),
    )
    distillation_temperature: float = setting(
        1.0,
        "temperature of the distillation: above 1, what a teacher says of the classes that it "
        "holds for unlikely counts as well (released code: 1)",
        low=0.1,
        high=100.0,
    )
    augmentation: float = setting(
        0.0,
        "strength of random crops and colours in alignment and replay, 0 to 1; teachers judge "
        "the changed images (paper: none)",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class ReplaySettings:
    """What the learner is taught on remembered tasks."""

    GROUP: ClassVar[str] = "Replay"
    replay_learner: str = setting(
        "maml",
        "what replay teaches: prototypes for the prototype head, or the papers' MAML or ANIL "
        "for the sgd head",
        choices=LEARNERS,
    )
    replay_batches: int = setting(
        20, "meta-batches replayed in one step, at most (released code: no limit)", low=0, high=500
    )
    replay_patience: int = setting(
        10,
        "end a step's replay early when as many meta-batches in a row bring no accuracy higher "
        "than the step's best so far; 0 replays them all (paper: 10)",
        low=0,
        high=100,
    )
    replay_episodes: int = setting(
        4, "episodes of a meta-batch (released code: 10)", low=1, high=64
    )
    k_shot: int = setting(5, "support images per class of an episode", low=1, high=50)
    n_query: int = setting(15, "query images per class of an episode", low=1, high=50)
    inner_steps: int = setting(5, "inner steps of MAML and ANIL", low=1, high=50)
    inner_lr: float = setting(0.01, "learning rate of these steps", low=1e-6, high=10.0)
    temperature: float = setting(
        0.1, "temperature of the prototypes' probabilities", low=1e-3, high=100.0
    )
    merge_classes: bool = setting(
        True,
        "classes of the same name from several models are one class; switch it off where names "
        "are mere numbers",
    )
