"""Shows the instance under test one more folder of algorithms; found by PYTHONPATH.

Its gpu worker loads torch, and what writes a learner's browser files, before it forks, where the
real one must not, so that a killed child is back within a moment and there is time for many faults.
"""

import sys
from pathlib import Path

import metalearn.algorithms

metalearn.algorithms.__path__.append(str(Path(__file__).parents[1] / "algorithms"))
if "gpu" in sys.orig_argv:
    import torch._dynamo  # noqa: F401 - loaded for the children

    import metalearn.registry

    metalearn.registry.all_algorithms()
