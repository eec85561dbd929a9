"""FREE+: FREE with a head for every teacher and distillation on remembered images.

Ours, not the paper's. Recovery is FREE's, with higher learning rates and a generator conditioned on
the label. The learner follows the teachers as in BELL, but each teacher has its own head, so that
several can be queried about one remembered image of any class, and Muon updates the kernels. Replay
is ProtoNet's. docs/free_plus.md has the gain of each; each is a setting.
"""

from metalearn.algorithms.free_plus.algorithm import FreePlus
from metalearn.algorithms.free_plus.config import FreePlusConfig

__all__ = ["FreePlus", "FreePlusConfig"]
