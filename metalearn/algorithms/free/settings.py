"""Every setting that FREE and FREE+ share, and the parts that they are made of."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.algorithms.free.learning_settings import AlignmentSettings, ReplaySettings
from metalearn.algorithms.free.recovery_settings import GeneratorSettings, RecoverySettings
from metalearn.algorithms.free.released import ReleasedSwitches
from metalearn.learning.learner_settings import LearnerSettings
from metalearn.learning.replay import Replay
from metalearn.numerics import precision
from metalearn.recovery.inversion import InversionSettings
from metalearn.settings import setting


@dataclass(frozen=True)
class StepSettings:
    """How long a run is, and what a step takes."""

    GROUP: ClassVar[str] = "Steps"
    warm_up_steps: int = setting(
        10, "first steps, which train the generator only (paper: 19)", low=0, high=10_000
    )
    outer_steps: int = setting(
        40, "steps of recovery, alignment and replay (paper: 980)", low=1, high=100_000
    )
    replay_steps: int = setting(
        0,
        "last steps, which only replay; cheap, and recovery has filled the memory by then "
        "(paper: none)",
        low=0,
        high=100_000,
    )
    n_way: int = setting(5, "classes of an episode", low=2, high=20)
    teachers_per_step: int = setting(4, "teachers inverted in one step", low=1, high=32)


@dataclass(frozen=True)
class ResourceSettings:
    """Memory, measurements and speed."""

    GROUP: ClassVar[str] = "Memory and speed"
    memory_per_class: int = setting(400, "most images of a class in the memory", low=2, high=10_000)
    memory_mb: int = setting(
        256,
        "most megabytes of the memory; where a pool knows too many classes for it, those met first "
        "make room for new ones",
        low=1,
        high=65_536,
    )
    teacher_mb: int = setting(
        1_024,
        "most megabytes that a teacher's layers keep for a gradient; a batch that would keep more "
        "goes through in portions, which takes a third longer",
        low=16,
        high=1_048_576,
    )
    agreement_every: int = setting(
        5, "steps between two measurements of the gradients' agreement; 0 never", low=0, high=1_000
    )
    precision: str = setting(
        "auto",
        "number format of the layers; auto takes bf16 where the processor has it",
        choices=precision.CHOICES,
    )


@dataclass(frozen=True)
class FreeSettings(
    ResourceSettings,
    ReplaySettings,
    AlignmentSettings,
    GeneratorSettings,
    RecoverySettings,
    StepSettings,
    LearnerSettings,
):
    """What both understand: groups in the order of the stages, the last base first."""

    # A learner of larger images than are recovered would have more to do and no more to see.
    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 takes the largest of the pool, at most picture_size",
        low=0,
        high=256,
    )

    @property
    def inversion(self) -> InversionSettings:
        """The settings of one inversion."""
        return InversionSettings(
            steps=self.generator_steps,
            generator_lr=self.generator_inner_lr,
            latent_lr=self.latent_lr,
            class_weight=self.class_weight,
            batchnorm_weight=self.batchnorm_weight,
            adversarial_weight=self.adversarial_weight,
            max_shift=self.max_shift,
            precision=self.precision,
            teacher_mb=self.teacher_mb,
            kept_images=self.kept_images,
            adversarial=self.switches.adversarial,
            generator_update=self.generator_update,
        )

    @property
    def replay(self) -> Replay:
        """How the learner learns from remembered tasks."""
        return Replay(
            learner=self.replay_learner,
            inner_steps=self.inner_steps,
            inner_lr=self.inner_lr,
            temperature=self.temperature,
            precision=self.precision,
        )

    @property
    def switches(self) -> ReleasedSwitches:
        """Where the released code parts from the equations; by themselves, nowhere."""
        return ReleasedSwitches()
