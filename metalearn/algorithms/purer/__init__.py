"""PURER: learnable images shaped by all teachers, which become harder as the learner improves.

Hu, Shen, Wang, Liu, Yuan, Tao: "Architecture, Dataset and Model-Scale Agnostic Data-free
Meta-Learning", CVPR 2023, https://arxiv.org/abs/2303.11183.

ECI, episode curriculum inversion: one set of images, a fixed number per class, is fitted step by
step to the teachers that know the class, while a meta-learner learns on episodes drawn from it.
When the learner stops improving, the images take one step against it: a step up its outer loss,
differentiated through its inner loop down to the pixels. ICFIL, a calibration at adaptation, is
available to every learner and can be made this one's default.

Implemented from the equations (algorithms.md 2). Where the paper and the released code differ, the
equation is the default and the released behaviour an option.
"""

from metalearn.algorithms.purer.algorithm import Purer
from metalearn.algorithms.purer.config import PurerConfig

__all__ = ["Purer", "PurerConfig"]
