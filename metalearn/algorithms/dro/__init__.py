"""DRO: a hyper-network learns the distribution of the models' weights, robustly.

Wang, Wang, Shen, Suo, Song, Yu, Shen, Gao: "Meta-learning without Data via Wasserstein
Distributionally-Robust Model Fusion", UAI 2022, https://openreview.net/forum?id=Hq8Ug88j5ec.

Each model has an embedding; one linear map per layer turns it into all weights of a network. The
maps learn to give the known models' weights, and to give them also from the worst embedding near
a model's own (a Wasserstein ball). The learner is what they give for the mean embedding.

Left open by the paper and decided here: embeddings move with every step that looks at theirs;
weights are measured in units of their root mean square norm over the models, so that the rates
suit networks of any size; batch-norm's running statistics, which have no likelihood, are averaged.
"""

from metalearn.algorithms.dro.algorithm import Dro
from metalearn.algorithms.dro.config import DroConfig

__all__ = ["Dro", "DroConfig"]
