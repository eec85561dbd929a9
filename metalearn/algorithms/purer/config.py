"""Settings of PURER. "Paper" below means the published hyper-parameters (algorithms.md 2.1)."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.algorithms.purer.presets import PRESETS
from metalearn.learning.learner_settings import LearnerSettings
from metalearn.learning.replay import LEARNERS, Replay
from metalearn.numerics import precision
from metalearn.numerics.preparation import MOST_PIXELS
from metalearn.presets import PresetSettings, preset_setting
from metalearn.settings import Preset, setting

SMALLEST = 16


@dataclass(frozen=True)
class StepSettings:
    """Length of the run and size of its steps."""

    GROUP: ClassVar[str] = "Steps"
    outer_steps: int = setting(
        400,
        "steps, each one of the images and one of the learner (paper: 60,000)",
        low=1,
        high=1_000_000,
    )
    n_way: int = setting(5, "classes of an episode", low=2, high=20)
    images_per_class: int = setting(
        20, "learnable images of each class (paper: 16 for 1-shot, 20 for 5-shot)", low=2, high=500
    )
    teachers_per_step: int = setting(
        5,
        "teachers that shape the images in one step, drawn without repeats; 0 takes all "
        "(paper: all of its 13)",
        low=0,
        high=1_000,
    )


@dataclass(frozen=True)
class ImageSettings:
    """The learnable images."""

    GROUP: ClassVar[str] = "Images"
    picture_size: int = setting(
        MOST_PIXELS,
        "largest height and width of the images in pixels; networks with a larger input see them "
        "enlarged (paper: always the networks' size)",
        low=SMALLEST,
        high=256,
    )
    most_classes: int = setting(
        0,
        "largest number of classes that get images; from a pool with more, the classes are drawn "
        "once, equally many per model; 0 is as many as memory_mb holds (paper: all)",
        low=0,
        high=100_000,
    )
    image_lr: float = setting(
        0.25, "learning rate of the images, in standard deviations", low=1e-4, high=10.0
    )
    batchnorm_weight: float = setting(
        1.0,
        "weight of the batch-norm statistics' distance, summed over layers (paper: 0.01, with "
        "which the learner learned less in the few steps that a CPU can take)",
        low=0.0,
        high=100.0,
    )
    variation_weight: float = setting(
        1e-4, "weight of the images' total variation", low=0.0, high=100.0
    )
    norm_weight: float = setting(1e-5, "weight of the images' norm", low=0.0, high=100.0)
    max_shift: int = setting(
        2, "pixels by which images are rolled before a teacher sees them", low=0, high=32
    )
    merge_classes: bool = setting(
        True,
        "classes of the same name from several models share their images; switch it off if the "
        "names are just numbers",
    )


@dataclass(frozen=True)
class CurriculumSettings:
    """When the images become harder."""

    GROUP: ClassVar[str] = "Curriculum"
    curriculum_weight: float = setting(
        10.0,
        "weight of the learner's loss when it is turned against the images; 0 never does",
        low=0.0,
        high=1_000.0,
    )
    curriculum_start: int = setting(
        30, "steps before the learner's progress is watched (paper: 4,000)", low=0, high=1_000_000
    )
    patience: int = setting(
        6,
        "meta-batches without a new best accuracy until the images become harder",
        low=1,
        high=1_000,
    )


@dataclass(frozen=True)
class LearningSettings:
    """How the learner learns from episodes of the images."""

    GROUP: ClassVar[str] = "Learning"
    meta_learner: str = setting(
        "protonet",
        "meta-learning method: ProtoNet for the prototype head, or the paper's MAML or ANIL for "
        "the sgd head",
        choices=LEARNERS,
    )
    initialisation: str = setting(
        "random",
        "where the learner starts; average is the mean of the pool's models with its architecture "
        "and width; where_possible is average if there are at least two of these, else random "
        "(paper: average)",
        choices=("random", "average", "where_possible"),
    )
    outer_lr: float = setting(1e-3, "learning rate of the learner", low=1e-6, high=1.0)
    episodes_per_step: int = setting(4, "episodes of a meta-batch", low=1, high=64)
    augmentation: float = setting(
        0.5,
        "strength of random crops and colours of the images that the learner sees, 0 to 1 "
        "(paper: none)",
        low=0.0,
        high=1.0,
    )
    k_shot: int = setting(5, "support images per class of an episode", low=1, high=50)
    n_query: int = setting(15, "query images per class of an episode", low=1, high=50)
    inner_steps: int = setting(1, "inner steps of MAML and ANIL", low=1, high=50)
    inner_lr: float = setting(0.01, "learning rate of these steps", low=1e-6, high=10.0)
    temperature: float = setting(
        0.1, "temperature of the prototypes' probabilities", low=1e-3, high=100.0
    )
    calibrate: str = setting(
        "none",
        "calibration of the finished learner at adaptation; the paper's is icfil, which made no "
        "difference in our measurements",
        choices=("none", "icfil"),
    )


@dataclass(frozen=True)
class ResourceSettings:
    """Memory and speed."""

    GROUP: ClassVar[str] = "Memory and speed"
    memory_mb: int = setting(
        1_024, "limit of the images and their optimiser in megabytes", low=1, high=65_536
    )
    teacher_mb: int = setting(
        1_024,
        "limit on activations of a step's models kept for a gradient, in megabytes; larger batches "
        "are split, which takes a third longer",
        low=16,
        high=1_048_576,
    )
    precision: str = setting(
        "auto",
        "number format of the layers; auto is bf16 where the hardware supports it",
        choices=precision.CHOICES,
    )


@dataclass(frozen=True)
class ReleasedSwitches:
    """Switches where the released code differs from the equations."""

    GROUP: ClassVar[str] = ""
    teacher_weights: str = setting(
        "equal",
        "equal adds up the teachers' losses; as_released adds the running sum after each teacher, "
        "as the released code does, so that the first counts once per teacher",
        choices=("equal", "as_released"),
    )


@dataclass(frozen=True)
class PurerConfig(
    ReleasedSwitches,
    ResourceSettings,
    LearningSettings,
    CurriculumSettings,
    ImageSettings,
    StepSettings,
    LearnerSettings,
    PresetSettings,
):
    """All settings of PURER; groups in the order of its parts, the last base first."""

    PRESETS: ClassVar[tuple[Preset, ...]] = PRESETS
    preset: str = preset_setting(PRESETS)
    # A larger learner input would cost more without showing more than was recovered.
    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 is the largest of the pool, at most picture_size",
        low=0,
        high=256,
    )

    @property
    def replay(self) -> Replay:
        return Replay(
            learner=self.meta_learner,
            inner_steps=self.inner_steps,
            inner_lr=self.inner_lr,
            temperature=self.temperature,
            precision=self.precision,
        )
