"""Settings of Chorus."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.learning.learner_settings import StartedLearnerSettings
from metalearn.numerics.precision import CHOICES
from metalearn.procedural import KINDS
from metalearn.settings import setting


@dataclass(frozen=True)
class StepSettings:
    """How long a run is, and what a step takes."""

    GROUP: ClassVar[str] = "Steps"
    outer_steps: int = setting(
        100, "outer steps, each of new pictures and updates of the learner", low=1, high=100_000
    )
    pictures_per_step: int = setting(
        512, "pictures drawn in one step and shown to every teacher", low=32, high=16_384
    )
    updates_per_step: int = setting(40, "updates of the learner in one step", low=1, high=10_000)
    batch_size: int = setting(256, "pictures of one update", low=8, high=4_096)


@dataclass(frozen=True)
class PictureSettings:
    """What the pool and the learner are shown."""

    GROUP: ClassVar[str] = "Pictures"
    pictures: str = setting(
        "mixed",
        "what is drawn: dead leaves, made-up objects, noise through random networks, or all of "
        "these, with regions of one in another",
        choices=KINDS,
    )
    own_pictures: bool = setting(
        False,
        "learn from unlabelled pictures of one's own too, of a folder that the operator gives the "
        "worker; they are used where they lie and never stored",
    )
    own_share: float = setting(
        0.5, "share of such pictures among all that the pool is asked about", low=0.01, high=1.0
    )
    most_own: int = setting(
        4_096, "most pictures that are read from the folder", low=1, high=100_000
    )
    memory: int = setting(
        16_384,
        "most recent pictures that are kept to learn from; as many are drawn at the start, at "
        "most 4,096, to find the components",
        low=64,
        high=262_144,
    )
    mirror: bool = setting(
        True,
        "a picture and its mirror image count as the same: the pool is asked about both, and the "
        "learner sees either; off where left and right differ, as in writing",
    )
    crops: float = setting(
        0.0,
        "the learner sees a window of each picture and places it where the pool places the whole: "
        "at 1 a window has 50 to 100 % of each side, at 0.5 from 75 %, at 0 all of it",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class GeometrySettings:
    """How the pool's features become one space."""

    GROUP: ClassVar[str] = "Space of the pool"
    components: int = setting(
        512, "principal components kept of the pool's features", low=2, high=4_096
    )
    whitening: float = setting(
        0.5,
        "0 keeps the ensemble's similarities as they are, 1 gives all components the same weight; "
        "in between, what brightness and colour say does not drown the rest",
        low=0.0,
        high=1.0,
    )
    weighting: float = setting(
        3.0,
        "0 gives every model the same say; more gives less to those whose features fill few "
        "dimensions beside others of their kind, as those of poor models do",
        low=0.0,
        high=10.0,
    )


@dataclass(frozen=True)
class OptimiserSettings:
    """Learning rates, each the highest of its schedule."""

    GROUP: ClassVar[str] = "Learning rates"
    outer_lr: float = setting(
        0.1,
        "highest learning rate of kernels, by Muon; rises, then falls along a half cosine",
        low=1e-6,
        high=1.0,
    )
    vector_lr: float = setting(
        0.01,
        "highest learning rate of scales, shifts and biases, by Adam; goes with the other",
        low=1e-6,
        high=1.0,
    )
    tuning_lr: float = setting(
        2e-4,
        "highest learning rate, by Adam, of all weights of a learner that begins with a model's",
        low=1e-7,
        high=1.0,
    )


@dataclass(frozen=True)
class FinishSettings:
    """The head of the finished learner, and speed."""

    GROUP: ClassVar[str] = "Head and speed"
    n_way: int = setting(5, "classes the head starts with", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("prototypes", "sgd"))
    precision: str = setting(
        "auto",
        "number format of the layers; auto takes bf16 where the machine has it in hardware",
        choices=CHOICES,
    )


@dataclass(frozen=True)
class ChorusConfig(
    FinishSettings,
    OptimiserSettings,
    GeometrySettings,
    PictureSettings,
    StepSettings,
    StartedLearnerSettings,
):
    """Settings of Chorus. The defaults take about 25 minutes of one core for 100 Conv4."""
