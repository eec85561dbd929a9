from dataclasses import dataclass
from typing import ClassVar

from metalearn.settings import setting


@dataclass(frozen=True)
class ReleasedSwitches:
    """One setting per difference; the defaults are the equations.

    The preset `released` sets them. They are not shown in forms.
    """

    GROUP: ClassVar[str] = ""

    generator_moments: str = setting(
        "kept",
        "whether the optimiser of first_order keeps its moments between steps; renewed is the "
        "released code's, whose steps follow the sign of a single gradient",
        choices=("kept", "renewed"),
    )
    meta_gradient: str = setting(
        "mean",
        "how first_order combines the teachers' gradients; with Adam only its epsilon differs",
        choices=("mean", "sum"),
    )
    adversarial: str = setting(
        "kl",
        "kl is minus the divergence of teacher and learner, as in the equations; as_released is "
        "the released code's loss, which detaches the learner and lacks the teacher's logarithm",
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
        "kl is the divergence of the equations; as_released is the released code's loss, which "
        "lacks the learner's logarithm and has no temperature",
        choices=("kl", "as_released"),
    )
