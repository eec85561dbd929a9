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
    """Length of the run and size of its steps."""

    GROUP: ClassVar[str] = "Steps"
    warm_up_steps: int = setting(
        10, "first steps, which train the generator only (paper: 19)", low=0, high=10_000
    )
    outer_steps: int = setting(
        40, "steps of recovery, alignment and replay (paper: 980)", low=1, high=100_000
    )
    replay_steps: int = setting(
        0,
        "final steps of replay only; these are cheap and use the memory filled by recovery "
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
        "limit of the image memory in megabytes; if a pool has too many classes for it, the oldest "
        "classes are replaced",
        low=1,
        high=65_536,
    )
    teacher_mb: int = setting(
        1_024,
        "limit on a teacher's activations kept for a gradient, in megabytes; a larger batch is "
        "split, which takes a third longer",
        low=16,
        high=1_048_576,
    )
    agreement_every: int = setting(
        5, "steps between two measurements of the gradients' agreement; 0 never", low=0, high=1_000
    )
    precision: str = setting(
        "auto",
        "number format of the layers; auto is bf16 where the hardware supports it",
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
    """Settings shared by FREE and FREE+; groups in the order of the stages, the last base first."""

    # A larger learner input would cost more without showing more than was recovered.
    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 is the largest of the pool, at most picture_size",
        low=0,
        high=256,
    )

    @property
    def inversion(self) -> InversionSettings:
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
        return Replay(
            learner=self.replay_learner,
            inner_steps=self.inner_steps,
            inner_lr=self.inner_lr,
            temperature=self.temperature,
            precision=self.precision,
        )

    @property
    def switches(self) -> ReleasedSwitches:
        """The released code's deviations from the equations; none by default."""
        return ReleasedSwitches()
