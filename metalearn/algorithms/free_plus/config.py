"""FREE+'s settings: its own, and FREE's where the default differs."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.algorithms.free.settings import FreeSettings
from metalearn.settings import setting, with_default

_OWN = (
    "own gives each teacher a head that is discarded after training; shared is FREE's single "
    "linear head for all teachers, whose labels conflict; prototypes classifies each teacher's "
    "images by their class means"
)


@dataclass(frozen=True)
class MemoryDistillationSettings:
    """Distillation on remembered images, which FREE does not have."""

    GROUP: ClassVar[str] = "Distillation from memory"
    replay_alignments: int = setting(
        10,
        "alignments per step on remembered images, besides the one on fresh images: each samples "
        "teachers and queries them about remembered images of their classes, or of any classes "
        "with distillation_head=own (FREE: 0)",
        low=0,
        high=500,
    )
    head_classes: int = setting(
        100,
        "largest number of classes in a teacher's own head; for a teacher with more, this many are "
        "drawn once (FREE: one head)",
        low=2,
        high=100_000,
    )
    teachers_asked: int = setting(
        8,
        "teachers queried about each batch of remembered images with distillation_head=own "
        "(FREE: 1, about its own images)",
        low=1,
        high=1_000,
    )
    alignment_images: int = setting(
        32,
        "remembered images per batch with distillation_head=own",
        low=2,
        high=1_000,
    )


@dataclass(frozen=True)
class FreePlusConfig(MemoryDistillationSettings, FreeSettings):
    """FREE's settings with other defaults, and FREE+'s own."""

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
