"""FREE's settings and its presets."""

from dataclasses import dataclass
from typing import ClassVar

from contract.settings import Value
from metalearn.algorithms.free.released import ReleasedSwitches
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.presets import PresetSettings, preset_setting
from metalearn.settings import Preset

_PUBLISHED: dict[str, Value] = {
    "warm_up_steps": 19,
    "outer_steps": 980,
    "generator_width": 128,
    "meta_gradient": "sum",
    "batchnorm_weight": 0.0,
    "replay_batches": 500,
    "replay_episodes": 10,
}
_RELEASED: dict[str, Value] = {
    "alignment_optimiser": "adam",
    "alignment_lr": 0.001,
    # 67 times the way that four steps of 0.001 go, beside a replay whose loss is the mean of ten
    # episodes and not their sum.
    "alignment_weight": 0.0268,
    "remembered": "last",
    "generator_moments": "renewed",
    "adversarial": "as_released",
    "distillation": "as_released",
}
PRESETS = (
    Preset(
        "standard",
        "The paper's equations, losses and learning rates, with fewer steps, a narrower generator "
        "and fewer and smaller meta-batches, so that a processor of two cores can do it; it adds "
        "the batch-norm term, without which recovered pictures look like noise.",
    ),
    Preset(
        "published",
        "The paper's equations with its own numbers, for a GPU: 999 steps, a generator of 128 "
        "channels and up to 500 meta-batches a step.",
        _PUBLISHED,
    ),
    Preset(
        "released",
        "What the authors' released code does where it parts from the paper: losses without a "
        "logarithm, a memory of the last model only, optimisers that start again at every step.",
        _PUBLISHED | _RELEASED,
    ),
)


@dataclass(frozen=True)
class FreeConfig(ReleasedSwitches, FreeSettings, PresetSettings):
    """Every setting of FREE: the preset, what it shares with FREE+, what its code does."""

    PRESETS: ClassVar[tuple[Preset, ...]] = PRESETS
    preset: str = preset_setting(PRESETS)

    @property
    def switches(self) -> ReleasedSwitches:
        return self
