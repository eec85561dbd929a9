"""Learner settings shared by FREE and FREE+, with FREE's defaults.

"Paper" means the hyper-parameters that FREE's authors published.
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
        "optimiser of the learner: muon changes all directions of its kernels equally and leaves "
        "other weights to adam; adam for all weights is the paper's; muon learns more in the same "
        "number of steps",
        choices=("adam", "muon"),
    )
    kernel_lr: float = setting(
        0.05, "learning rate of the learner's kernels with muon", low=1e-6, high=10.0
    )
    outer_lr: float = setting(1e-3, "learning rate with adam (paper: 0.001)", low=1e-6, high=1.0)
    lr_decay: bool = setting(
        False, "let the learner's rate fall to zero along a half cosine (paper: constant)"
    )
    alignment_lr: float = setting(
        0.01, "learning rate of the clone's steps (released code: 0.001)", low=1e-6, high=10.0
    )
    alignment_steps: int = setting(1, "steps of the clone for each teacher", low=1, high=50)
    alignment_weight: float = setting(
        1.0,
        "weight of the Reptile direction, which is normalised by steps and learning rate",
        low=0.0,
        high=1_000.0,
    )
    distillation_head: str = setting(
        "shared",
        "shared is the paper's single linear head for all teachers, whose labels conflict; "
        "prototypes classifies each teacher's images by their class means",
        choices=("shared", "prototypes"),
    )
    distillation_temperature: float = setting(
        1.0,
        "temperature of the distillation; above 1, a teacher's unlikely classes count more "
        "(released code: 1)",
        low=0.1,
        high=100.0,
    )
    augmentation: float = setting(
        0.0,
        "strength of random crops and colours in alignment and replay, 0 to 1; teachers see the "
        "augmented images (paper: none)",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class ReplaySettings:
    """Training on remembered tasks."""

    GROUP: ClassVar[str] = "Replay"
    replay_learner: str = setting(
        "maml",
        "meta-learning method of the replay: ProtoNet for the prototype head, or the papers' MAML "
        "or ANIL for the sgd head",
        choices=LEARNERS,
    )
    replay_batches: int = setting(
        20, "meta-batches replayed in one step, at most (released code: no limit)", low=0, high=500
    )
    replay_patience: int = setting(
        10,
        "end a step's replay early when this many meta-batches in a row do not exceed the step's "
        "best accuracy; 0 replays them all (paper: 10)",
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
        "treat classes of the same name from several models as one; switch it off if the names "
        "are just numbers",
    )
