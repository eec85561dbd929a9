"""FREE+'s settings: where they are FREE's, only the defaults that differ stand here."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.algorithms.free.settings import FreeSettings
from metalearn.settings import setting, with_default

_OWN = (
    "own gives each teacher a head, which falls away in the end; shared is FREE's one linear head "
    "for all teachers, whose labels contradict one another; prototypes judges each teacher's "
    "images by their own class means"
)


@dataclass(frozen=True)
class MemoryDistillationSettings:
    """What FREE does not have: distillation on remembered images."""

    GROUP: ClassVar[str] = "OwnHeadDistiller from memory"
    replay_alignments: int = setting(
        10,
        "alignments a step on remembered images, beside the one on fresh ones: each draws "
        "teachers and asks them about images of their classes in the memory, or, with heads of "
        "their own, about images of any classes (FREE: 0)",
        low=0,
        high=500,
    )
    head_classes: int = setting(
        100,
        "most classes of a teacher that a head of its own answers for; of a teacher with more as "
        "many are drawn once (FREE: one head)",
        low=2,
        high=100_000,
    )
    teachers_asked: int = setting(
        8,
        "teachers, with heads of their own, asked about each batch of remembered images "
        "(FREE: 1, about its own images)",
        low=1,
        high=1_000,
    )
    alignment_images: int = setting(
        32,
        "remembered images of such a batch; an alignment takes one after another",
        low=2,
        high=1_000,
    )


@dataclass(frozen=True)
class FreePlusConfig(MemoryDistillationSettings, FreeSettings):
    """FREE's settings with other defaults, and those of what FREE does not have."""

    warm_up_steps: int = with_default(FreeSettings, "warm_up_steps", 20)
    outer_steps: int = with_default(FreeSettings, "outer_steps", 80)
    replay_steps: int = with_default(FreeSettings, "replay_steps", 600)
    generator_inner_lr: float = with_default(FreeSettings, "generator_inner_lr", 5e-3)
    latent_lr: float = with_default(FreeSettings, "latent_lr", 0.015)
    generator_lr: float = with_default(FreeSettings, "generator_lr", 2e-3)
    generator_input: str = with_default(FreeSettings, "generator_input", "latent+label")
    adversarial_weight: float = with_default(FreeSettings, "adversarial_weight", 0.1)
    outer_optimiser: str = with_default(FreeSettings, "outer_optimiser", "muon")
    outer_lr: float = with_default(FreeSettings, "outer_lr", 3e-3)
    lr_decay: bool = with_default(FreeSettings, "lr_decay", True)
    distillation_head: str = setting("own", _OWN, choices=("own", "prototypes", "shared"))
    distillation_temperature: float = with_default(FreeSettings, "distillation_temperature", 4.0)
    augmentation: float = with_default(FreeSettings, "augmentation", 1.0)
    replay_learner: str = with_default(FreeSettings, "replay_learner", "protonet")
    replay_batches: int = with_default(FreeSettings, "replay_batches", 1)
    replay_patience: int = with_default(FreeSettings, "replay_patience", 0)
    replay_episodes: int = with_default(FreeSettings, "replay_episodes", 2)
