from dataclasses import dataclass
from typing import ClassVar

from metalearn.learning.learner_settings import StartedLearnerSettings
from metalearn.numerics.precision import CHOICES
from metalearn.procedural import KINDS
from metalearn.settings import setting


@dataclass(frozen=True)
class StepSettings:
    """Length of the run and size of its steps."""

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
    """Images shown to the pool and the learner."""

    GROUP: ClassVar[str] = "Pictures"
    pictures: str = setting(
        "mixed",
        "what is drawn: dead leaves, made-up objects, noise through random networks, or a mix of "
        "all three with regions of one picture in another",
        choices=KINDS,
    )
    own_pictures: bool = setting(
        False,
        "also learn from your own unlabelled pictures, in a folder that the operator gives the "
        "worker; they are read in place and never stored",
    )
    own_share: float = setting(
        0.5, "share of your own pictures among all that the pool sees", low=0.01, high=1.0
    )
    most_own: int = setting(
        4_096, "most pictures that are read from the folder", low=1, high=100_000
    )
    memory: int = setting(
        16_384,
        "number of recent pictures kept to learn from; the first step draws as many, but at most "
        "4,096, to fit the components",
        low=64,
        high=262_144,
    )
    mirror: bool = setting(
        True,
        "treat a picture and its mirror image as the same: the pool sees both, the learner "
        "either; switch it off where left and right matter, as in writing",
    )
    crops: float = setting(
        0.0,
        "strength of random crops for the learner, whose target remains the whole picture: at 1 a "
        "crop keeps 50 to 100 % of each side, at 0.5 75 to 100 %, at 0 all of it",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class GeometrySettings:
    """Combination of the teachers' features into one space."""

    GROUP: ClassVar[str] = "Space of the pool"
    components: int = setting(
        512, "principal components kept of the pool's features", low=2, high=4_096
    )
    whitening: float = setting(
        0.5,
        "0 keeps the ensemble's similarities, 1 gives all components the same weight; values in "
        "between keep brightness and colour from dominating",
        low=0.0,
        high=1.0,
    )
    weighting: float = setting(
        3.0,
        "0 gives every model the same weight; higher values reduce that of models whose features "
        "span fewer dimensions than others of their kind, a sign of poor models",
        low=0.0,
        high=10.0,
    )


@dataclass(frozen=True)
class OptimiserSettings:
    """Peak learning rates."""

    GROUP: ClassVar[str] = "Learning rates"
    outer_lr: float = setting(
        0.1,
        "peak learning rate of kernels (Muon); rises, then falls along a half cosine",
        low=1e-6,
        high=1.0,
    )
    vector_lr: float = setting(
        0.01,
        "peak learning rate of scales, shifts and biases (Adam); follows the same schedule",
        low=1e-6,
        high=1.0,
    )
    tuning_lr: float = setting(
        2e-4,
        "peak learning rate (Adam) of all weights if the learner starts from a model's weights",
        low=1e-7,
        high=1.0,
    )


@dataclass(frozen=True)
class FinishSettings:
    """Head of the finished learner, and number format."""

    GROUP: ClassVar[str] = "Head and speed"
    n_way: int = setting(5, "classes the head starts with", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("prototypes", "sgd"))
    precision: str = setting(
        "auto",
        "number format of the layers; auto is bf16 where the hardware supports it",
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
    """Settings of Chorus. The defaults take about 25 minutes on one core for 100 Conv4 models."""
