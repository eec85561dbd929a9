"""ICFIL, inversion calibration following the inner loop (PURER: Hu et al., CVPR 2023).

The adapted learner is inverted: pseudo images are recovered that it takes for each class. Then
a contrastive loss pulls the features of real and pseudo images of a class together and pushes
other classes apart. The paper's figure gives the idea and not the constants; the loss below is
the consistent form derived from it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Calibration:
    """Sizes of one calibration; rates and steps as in the adaptation settings."""

    pseudo_images: int
    inversion_steps: int
    inversion_lr: float
    steps: int
    lr: float
    temperature: float
