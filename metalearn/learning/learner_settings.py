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
    """The network to train: the first settings of every algorithm that builds its own."""

    GROUP: ClassVar[str] = "Learner"

    learner: str = setting(
        "conv4",
        "architecture of the learner; ignored if it starts from a model's weights",
        choices=LEARNERS,
        others="the name of any supported architecture",
    )
    learner_width: int = setting(
        0, "channels of its first layer; 0 is the architecture's usual width", low=0, high=512
    )
    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 is the largest of the pool, or that of the model it "
        "starts from",
        low=0,
        high=256,
    )


@dataclass(frozen=True)
class StartedLearnerSettings(LearnerSettings):
    """The same for algorithms whose learner may start from weights of the pool."""

    GROUP: ClassVar[str] = "Learner"

    learner_start: str = setting(
        RANDOM,
        "initial weights of the learner: random; those of the best teacher, chosen as by the "
        "algorithm of that name; or the mean of relatives, models fine-tuned from the same "
        "weights. Only people with access to these models may have a learner that copies them",
        choices=(RANDOM, BEST, RELATIVES),
        others="the name of a model of the pool",
    )
