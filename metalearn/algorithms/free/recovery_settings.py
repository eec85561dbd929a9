"""Recovery settings (FIVE) shared by FREE and FREE+, with FREE's defaults.

"Paper" means the hyper-parameters that FREE's authors published.
"""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.numerics.preparation import MOST_PIXELS
from metalearn.settings import setting

SMALLEST = 16


@dataclass(frozen=True)
class RecoverySettings:
    """How a task is recovered from a teacher."""

    GROUP: ClassVar[str] = "Recovery"
    images_per_class: int = setting(
        20, "images recovered for each class of a teacher in one step", low=2, high=100
    )
    picture_size: int = setting(
        MOST_PIXELS,
        "largest height and width of a recovered image in pixels; networks with a larger input see "
        "it enlarged (paper: always the networks' size)",
        low=SMALLEST,
        high=256,
    )
    generator_steps: int = setting(
        5, "passes of the generator's copy over each teacher", low=1, high=500
    )
    generator_inner_lr: float = setting(
        1e-3, "learning rate of the generator's copy (paper: 0.001)", low=1e-6, high=0.1
    )
    latent_lr: float = setting(
        1e-3, "learning rate of the latents (paper: 0.001)", low=1e-6, high=1.0
    )
    class_weight: float = setting(1.0, "weight of the cross entropy", low=0.0, high=100.0)
    batchnorm_weight: float = setting(
        1.0,
        "weight of the batch-norm statistics' distance, mean over layers (released code: 0; the "
        "paper's value is unknown); without it, images satisfy the teacher but look like noise",
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
        "which images of an inversion are kept: last, as in the paper, are those of the last pass; "
        "best are those with the lowest loss over all passes and shifts",
        choices=("last", "best"),
    )


@dataclass(frozen=True)
class GeneratorSettings:
    """The meta-generator, and how it follows its copies."""

    GROUP: ClassVar[str] = "Generator"
    generator_update: str = setting(
        "first_order",
        "how the generator follows its copies: first_order, as in the paper, applies the gradient "
        "at their last step with Adam; reptile moves towards them, which fits teachers better but "
        "did not improve the learner",
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
        "input of the generator; the paper's sees only latents and memorises labels in every "
        "adaptation",
        choices=("latent", "latent+label"),
    )
