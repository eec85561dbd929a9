"""FREE: a meta-generator recovers tasks in a few steps; a gradient-aligned learner learns them.

Wei, Hu, Shen, Wang, Liu, Li, Yuan, Tao: "FREE: Faster and Better Data-Free Meta-Learning",
CVPR 2024, https://arxiv.org/abs/2405.00984.

FIVE: for each teacher drawn, a copy of one generator is fitted in a few steps; the gradients at
the last steps move the generator itself, so that it becomes quick to fit. BELL: the learner's
clone is distilled from the teachers one after another and the learner follows it (Reptile), which
aligns the teachers' gradients; then it learns on tasks replayed from a memory of all that was
recovered.

Written from the equations. Where a default differs from the paper's or the released code's, the
help of that setting says so.
"""

from metalearn.algorithms.free.algorithm import Free
from metalearn.algorithms.free.config import FreeConfig

__all__ = ["Free", "FreeConfig"]
