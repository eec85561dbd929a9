"""Where FREE's released code computes something other than the equations say."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.settings import setting


@dataclass(frozen=True)
class ReleasedSwitches:
    """A setting for each such place; the defaults are the equations.

    The preset `released` sets them; they are in no form.
    """

    GROUP: ClassVar[str] = ""

    generator_moments: str = setting(
        "kept",
        "whether the optimiser of first_order keeps its moments from step to step; renewed is the "
        "released code's, whose steps follow the signs of one gradient",
        choices=("kept", "renewed"),
    )
    meta_gradient: str = setting(
        "mean",
        "how first_order puts the teachers' gradients together; alike for Adam but for its epsilon",
        choices=("mean", "sum"),
    )
    adversarial: str = setting(
        "kl",
        "kl is minus the divergence of teacher and learner, of the equations; as_released is what "
        "the released code computes in its place, which holds the learner fixed and lacks the "
        "teacher's logarithm",
        choices=("kl", "as_released"),
    )
    remembered: str = setting(
        "all",
        "which of a step's recovered tasks enter the memory; the released code keeps only that of "
        "the last teacher",
        choices=("all", "last"),
    )
    alignment_optimiser: str = setting(
        "sgd",
        "how the clone steps: the alignment theorem holds for sgd; adam is the released code's",
        choices=("sgd", "adam"),
    )
    distillation: str = setting(
        "kl",
        "kl is the divergence of the equations; as_released is what the released code computes "
        "in its place, which lacks the learner's logarithm and knows no temperature",
        choices=("kl", "as_released"),
    )
