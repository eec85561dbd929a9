from dataclasses import dataclass
from typing import ClassVar

from metalearn.merging.batchnorm_repair import RepairSettings
from metalearn.settings import setting

MOST_MB = 65_536


@dataclass(frozen=True)
class HyperNetworkSettings:
    """The hyper-network and its optimisation."""

    GROUP: ClassVar[str] = "Hyper-network"
    embedding_dim: int = setting(50, "length of an embedding", low=1, high=1_000)
    inner_steps: int = setting(
        1,
        "K: steps of the maps on a model of S, and of an embedding away from a model of Q",
        low=1,
        high=100,
    )
    inner_lr: float = setting(0.03, "learning rate of these steps", low=1e-6, high=10.0)
    outer_lr: float = setting(0.03, "learning rate of the hyper-network", low=1e-6, high=10.0)
    gamma: float = setting(
        2.0, "penalty on an embedding's distance from its model's own", low=0.0, high=1_000.0
    )
    variance: float = setting(
        1.0,
        "sigma squared of the likelihood, in units of the models' mean squared norm",
        low=1e-3,
        high=1e3,
    )
    support_share: float = setting(
        0.8, "share of the models in S; the others are Q", low=0.05, high=0.95
    )
    split: str = setting(
        "fixed",
        "fixed divides the models once, as in the paper, so that the maps learn only the weights "
        "of Q; every_step divides them in each step, so that they learn the weights of all",
        choices=("fixed", "every_step"),
    )
    memory_mb: int = setting(
        2_048, "memory limit of the hyper-network in training, in megabytes", low=1, high=MOST_MB
    )


@dataclass(frozen=True)
class DroConfig(HyperNetworkSettings, RepairSettings):
    """Settings of DRO."""

    outer_steps: int = setting(600, "outer steps, one model each of S and Q", low=1, high=1_000_000)
    heads: str = setting(
        "generated",
        "generated also generates the head if all models have equally many classes, and is fresh "
        "otherwise; fresh initialises a new head",
        choices=("generated", "fresh"),
    )
    n_way: int = setting(5, "classes of a fresh head", low=2, high=20)
    head: str = setting(
        "prototypes", "head at adaptation (paper: sgd)", choices=("sgd", "prototypes")
    )
