"""DRO: a hypernetwork learns the distribution of the models' weights, robustly.

Wang, Wang, Shen, Suo, Song, Yu, Shen, Gao: "Meta-learning without Data via Wasserstein
Distributionally-Robust Model Fusion", UAI 2022, https://openreview.net/forum?id=Hq8Ug88j5ec.

Each model has an embedding. One linear map per layer turns it into all weights of a network. The
maps learn to generate the known models' weights, even from the worst embedding near a model's own
(a Wasserstein ball). The learner is generated from the mean embedding.

Details that the paper leaves open: an embedding moves with every step that uses it; weights are
measured in units of their root mean square norm over the models, so that learning rates suit
networks of any size; batch-norm's running statistics, which have no likelihood, are averaged.
"""

from metalearn.algorithms.dro.algorithm import Dro
from metalearn.algorithms.dro.config import DroConfig

__all__ = ["Dro", "DroConfig"]
