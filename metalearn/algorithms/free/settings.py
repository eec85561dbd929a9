"""The settings that FREE and FREE+ share; their defaults are FREE's.

"Paper" below means the hyper-parameters of FREE as its authors published them.
"""

from dataclasses import dataclass

from metalearn.algorithms.free.released import ReleasedSwitches
from metalearn.learning.learner_settings import LearnerSettings
from metalearn.learning.replay import LEARNERS, Replay
from metalearn.numerics import precision
from metalearn.numerics.preparation import MOST_PIXELS
from metalearn.recovery.inversion import InversionSettings
from metalearn.settings import setting

SMALLEST = 16
"""Pixels of the smallest pictures."""


@dataclass(frozen=True)
class FreeSettings(LearnerSettings):
    """What both understand, in the order of the stages."""

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
    # A learner of larger images than are recovered would have more to do and no more to see.
    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 takes the largest of the pool, at most picture_size",
        low=0,
        high=256,
    )
    n_way: int = setting(5, "classes of an episode", low=2, high=20)
    teachers_per_step: int = setting(4, "teachers inverted in one step", low=1, high=32)
    images_per_class: int = setting(
        20, "images recovered for each class of a teacher in one step", low=2, high=100
    )
    picture_size: int = setting(
        MOST_PIXELS,
        "most pixels of height and width of a recovered image; networks that take larger ones are "
        "shown it enlarged (paper: always the size of the networks)",
        low=SMALLEST,
        high=256,
    )
    # FIVE: the meta-generator
    generator_steps: int = setting(
        5, "passes of the generator's copy over each teacher", low=1, high=500
    )
    generator_inner_lr: float = setting(
        1e-3, "learning rate of the generator's copy (paper: 0.001)", low=1e-6, high=0.1
    )
    latent_lr: float = setting(
        1e-3, "learning rate of the latents (paper: 0.001)", low=1e-6, high=1.0
    )
    generator_update: str = setting(
        "first_order",
        "how the generator follows its copies: first_order is the paper's gradient at their last "
        "step, through Adam; reptile moves towards them, which fits teachers better but did not "
        "teach the learner more",
        choices=("first_order", "reptile"),
    )
    generator_lr: float = setting(
        1e-3, "learning rate of first_order (paper: 0.001)", low=1e-6, high=0.1
    )
    reptile_rate: float = setting(
        0.3, "share of the way towards its copies that reptile goes", low=1e-3, high=1.0
    )
    latent_dim: int = setting(256, "length of a latent", low=8, high=2_048)
    generator_width: int = setting(
        32,
        "channels of the generator's first map (paper: 128, over ten times the time on a CPU)",
        low=8,
        high=512,
    )
    generator_input: str = setting(
        "latent",
        "what the generator sees; the paper's sees latents only and learns labels by heart in "
        "every adaptation",
        choices=("latent", "latent+label"),
    )
    class_weight: float = setting(1.0, "weight of the cross entropy", low=0.0, high=100.0)
    batchnorm_weight: float = setting(
        1.0,
        "weight of the batch-norm statistics' distance, mean over layers (released code: 0; what "
        "the paper's equation has is not known to us); without it pictures please the teacher but "
        "look like noise",
        low=0.0,
        high=100.0,
    )
    adversarial_weight: float = setting(
        1.0, "weight of the adversarial term after the warm-up (paper: 1)", low=0.0, high=100.0
    )
    max_shift: int = setting(
        4, "pixels by which recovered images are shifted before a teacher sees them", low=0, high=32
    )
    kept_images: str = setting(
        "last",
        "which images of an inversion are kept: last is the paper's, of the last pass; best are "
        "those with the lowest loss seen, on whatever shift they were shown",
        choices=("last", "best"),
    )
    # BELL: the aligned learner
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
    # Cross-task replay
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
    # Measuring and speed
    agreement_every: int = setting(
        5, "steps between two measurements of the gradients' agreement; 0 never", low=0, high=1_000
    )
    precision: str = setting(
        "auto",
        "number format of the layers; auto takes bf16 where the processor has it",
        choices=precision.CHOICES,
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
