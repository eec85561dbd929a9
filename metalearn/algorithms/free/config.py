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
    # 67 times the distance of four steps of 0.001. The replay loss here is the mean of ten
    # episodes, not their sum.
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
        "and fewer and smaller meta-batches, to suit two CPU cores; it adds the batch-norm term, "
        "without which recovered images look like noise.",
    ),
    Preset(
        "published",
        "The paper's equations and hyper-parameters, for a GPU: 999 steps, a generator of 128 "
        "channels and up to 500 meta-batches per step.",
        _PUBLISHED,
    ),
    Preset(
        "released",
        "The authors' released code where it differs from the paper: losses without a logarithm, "
        "a memory of the last model only, optimisers that restart at every step.",
        _PUBLISHED | _RELEASED,
    ),
)


@dataclass(frozen=True)
class FreeConfig(ReleasedSwitches, FreeSettings, PresetSettings):
    """All settings of FREE: the preset, those shared with FREE+, and the released switches."""

    PRESETS: ClassVar[tuple[Preset, ...]] = PRESETS
    preset: str = preset_setting(PRESETS)

    @property
    def switches(self) -> ReleasedSwitches:
        return self
