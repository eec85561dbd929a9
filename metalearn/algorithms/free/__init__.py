"""FREE: a meta-generator recovers tasks in a few steps; a gradient-aligned learner learns them.

Wei, Hu, Shen, Wang, Liu, Li, Yuan, Tao: "FREE: Faster and Better Data-Free Meta-Learning", CVPR
2024, https://arxiv.org/abs/2405.00984.

FIVE: for each sampled teacher, a copy of one generator is fitted in a few steps. The gradients at
the last steps update the generator itself, so that it becomes quick to fit. BELL: a clone of the
learner is distilled from the teachers one after another and the learner follows it (Reptile), which
aligns the teachers' gradients. It then learns on tasks replayed from a memory of everything
recovered.

Implemented from the equations. Where a default differs from the paper or the released code, that
setting's help says so.
"""

from metalearn.algorithms.free.algorithm import Free
from metalearn.algorithms.free.config import FreeConfig

__all__ = ["Free", "FreeConfig"]
