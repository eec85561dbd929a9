"""Settings that say what network the learner is, and what it begins with."""

from dataclasses import dataclass
from typing import ClassVar

from metalearn.settings import setting

LEARNERS = (
    "conv4",
    "resnet10",
    "torchvision/mobilenet_v3_small",
    "torchvision/resnet18",
    "timm/vit_tiny_patch16_224",
    "timm/tf_efficientnet_lite0",
)
RANDOM, RELATIVES, BEST = "random", "relatives", "best_teacher"


@dataclass(frozen=True)
class LearnerSettings:
    """The network that is taught: the first settings of every algorithm that builds its own."""

    GROUP: ClassVar[str] = "Learner"

    learner: str = setting(
        "conv4",
        "architecture of the learner; one that begins with a model's weights has that model's",
        choices=LEARNERS,
        others="the name of any architecture that is known here",
    )
    learner_width: int = setting(
        0, "channels of its first layer; 0 takes the architecture's usual width", low=0, high=512
    )
    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 takes the largest of the pool, or that of the model "
        "that it begins with",
        low=0,
        high=256,
    )


@dataclass(frozen=True)
class StartedLearnerSettings(LearnerSettings):
    """The same for algorithms whose learner may begin with weights of the pool."""

    GROUP: ClassVar[str] = "Learner"

    learner_start: str = setting(
        RANDOM,
        "what the learner begins with: random weights; those of the best teacher, as the algorithm "
        "of that name chooses it; or the mean of relatives, models that were fine-tuned from the "
        "same weights. Only people who may use these models may have a learner that copies them",
        choices=(RANDOM, BEST, RELATIVES),
        others="the name of a model of the pool",
    )
