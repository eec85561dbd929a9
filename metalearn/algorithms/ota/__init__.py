"""OTA: optimal-transport averaging, which aligns neurons before taking the mean.

Singh, Jaggi: "Model Fusion via Optimal Transport", NeurIPS 2020, https://arxiv.org/abs/1910.05653;
in the data-free form of Wang et al., "Meta-learning without data via Wasserstein
distributionally-robust model fusion", UAI 2022, supplement 1.1 (algorithms.md 3.1).

Layer by layer, each model's neurons are mapped onto those of one model, the anchor. The transport
plan is the exact optimum for the squared distances between incoming weights, given that the
previous layer is already aligned. Then the models are averaged. The papers treat plain stacks of
layers; here the neurons that a residual network adds share one plan.
"""

from metalearn.algorithms.ota.algorithm import Ota, OtaConfig

__all__ = ["Ota", "OtaConfig"]
