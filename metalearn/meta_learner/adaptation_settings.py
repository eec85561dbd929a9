"""How a meta-learner adapts to a support set."""

from dataclasses import dataclass

from metalearn.precision import CHOICES
from metalearn.settings import setting


@dataclass(frozen=True)
class AdaptationSettings:
    """Settings of one adaptation; a meta-learner carries its own defaults."""

    head: str = setting(
        "prototypes",
        "sgd takes gradient steps on all weights; prototypes compares with each class's mean",
        choices=("sgd", "prototypes"),
    )
    head_init: str = setting(
        "learned",
        "where the sgd head starts; learned needs as many classes as were learned with, "
        "and starts from prototypes for any other number",
        choices=("learned", "prototypes"),
    )
    inner_steps: int = setting(10, "gradient steps of the sgd head", low=0, high=200)
    inner_lr: float = setting(0.01, "learning rate of these steps", low=1e-6, high=10.0)
    batch_size: int = setting(
        128,
        "most support images in one gradient step; from more, each step draws this many "
        "(fewer where images are large)",
        low=20,
        high=1_000,
    )
    temperature: float = setting(
        0.2, "temperature of the prototypes' probabilities", low=1e-3, high=100.0
    )
    batchnorm: str = setting(
        "inductive",
        "inductive judges every picture by itself; transductive uses the statistics of all "
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
        "icfil inverts the adapted learner and pulls real and pseudo features together",
        choices=("none", "icfil"),
    )
    pseudo_images: int = setting(5, "pseudo images per class for icfil", low=1, high=50)
    inversion_steps: int = setting(5, "steps on the pixels of the pseudo images", low=1, high=500)
    inversion_lr: float = setting(
        0.1, "size of one such step, in standard deviations of the input", low=1e-4, high=10.0
    )
    calibration_steps: int = setting(5, "contrastive steps on the features", low=1, high=200)
    calibration_lr: float = setting(0.01, "learning rate of these steps", low=1e-6, high=10.0)
    calibration_temperature: float = setting(
        0.5, "temperature of the contrastive loss", low=0.01, high=10.0
    )
