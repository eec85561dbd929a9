"""Settings for adapting a meta-learner to a support set."""

from dataclasses import dataclass, replace

from metalearn.numerics.precision import CHOICES
from metalearn.settings import setting

HEADS = ("sgd", "prototypes", "ridge")
CALIBRATIONS = ("none", "statistics", "icfil")


@dataclass(frozen=True)
class AdaptationSettings:
    """Settings of one adaptation; a meta-learner has its own defaults."""

    head: str = setting(
        "prototypes",
        "sgd takes gradient steps on all weights; prototypes compares with each class's mean; "
        "ridge is a linear classifier in closed form",
        choices=HEADS,
    )
    head_init: str = setting(
        "learned",
        "initial weights of the sgd head; learned applies to the trained number of classes and "
        "falls back to prototypes for any other",
        choices=("learned", "prototypes"),
    )
    inner_steps: int = setting(10, "gradient steps of the sgd head", low=0, high=200)
    inner_lr: float = setting(0.01, "learning rate of these steps", low=1e-6, high=10.0)
    batch_size: int = setting(
        128,
        "maximum support images per gradient step; if there are more, each step draws this many "
        "(fewer for large images)",
        low=20,
        high=1_000,
    )
    temperature: float = setting(
        0.2, "temperature of the probabilities of prototypes and ridge", low=1e-3, high=100.0
    )
    mirror_support: bool = setting(
        True, "whether ridge also learns from the mirror images of the support pictures"
    )
    batchnorm: str = setting(
        "inductive",
        "inductive classifies every picture by itself; transductive uses the statistics of all "
        "query pictures together, as many papers do",
        choices=("inductive", "transductive"),
    )
    precision: str = setting(
        "fp32",
        "number format of the layers; auto takes bf16 where the machine has it in hardware",
        choices=CHOICES,
    )
    calibrate: str = setting(
        "none",
        "statistics mixes those of batch-norm with the support pictures'; icfil inverts the "
        "adapted learner and pulls real and pseudo features together",
        choices=CALIBRATIONS,
    )
    statistics_share: float = setting(
        0.0,
        "share of the support pictures in the statistics of batch-norm; 0 takes n / (n + 25) for "
        "n pictures",
        low=0.0,
        high=1.0,
    )
    icfil_loss: str = setting(
        "poster",
        "contrastive loss of icfil; poster is the authors' equation, with dot products and sums; "
        "cosine uses cosines, means and the sum over a class inside the logarithm",
        choices=("poster", "cosine"),
    )
    pseudo_images: int = setting(5, "pseudo images per class for icfil", low=1, high=50)
    inversion_steps: int = setting(5, "steps on the pixels of the pseudo images", low=1, high=500)
    inversion_lr: float = setting(
        0.1, "size of one such step, in standard deviations of the input", low=1e-4, high=10.0
    )
    calibration_steps: int = setting(5, "contrastive steps on the features", low=1, high=200)
    calibration_lr: float = setting(1e-4, "learning rate of these steps", low=1e-8, high=10.0)
    calibration_temperature: float = setting(
        100.0, "temperature of the contrastive loss", low=0.01, high=10_000.0
    )


def calibrated(settings: AdaptationSettings) -> AdaptationSettings:
    """Return the recommended settings: ridge gained everywhere (docs/benchmarks/calibration.md)."""
    return replace(settings, head="ridge", mirror_support=True, calibrate="none")
