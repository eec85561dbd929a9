"""FREE+: FREE, with a head for every teacher and distillation on remembered images.

Ours, not the paper's. The recovery is FREE's, with faster rates and a generator that is told the
label; the learner follows the teachers as in BELL, but each has a head of its own, so that several
can be asked about one remembered image of any class, and Muon moves the kernels. Replay is
ProtoNet's. What each of these gains is in docs/free_plus.md; each is a setting.
"""

from metalearn.algorithms.free_plus.algorithm import FreePlus
from metalearn.algorithms.free_plus.config import FreePlusConfig

__all__ = ["FreePlus", "FreePlusConfig"]
