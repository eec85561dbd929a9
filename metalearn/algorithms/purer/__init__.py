"""PURER: learnable images that all teachers shape, and that become harder as the learner learns.

Hu, Shen, Wang, Liu, Yuan, Tao: "Architecture, Dataset and Model-Scale Agnostic Data-free
Meta-Learning", CVPR 2023, https://arxiv.org/abs/2303.11183.

ECI, episode curriculum inversion: one set of images, a fixed number for each class, is fitted to
the teachers that know the class, one step at a time, while a meta-learner learns on episodes
drawn from it. When the learner finds nothing new in them, the images take one step against it:
its outer loss, differentiated through its inner loop down to the pixels, is raised. ICFIL, which
calibrates at adaptation, is an option of every learner here and can be made this one's default.

Written from the equations (algorithms.md 2). Where the paper and the released code part, the
equation is the default and the released behaviour a choice of the setting.
"""

from metalearn.algorithms.purer.algorithm import Purer
from metalearn.algorithms.purer.config import PurerConfig

__all__ = ["Purer", "PurerConfig"]
