"""Settings that say what network the learner is."""

from dataclasses import dataclass

from metalearn.settings import setting


@dataclass(frozen=True)
class LearnerSettings:
    """The network that is taught: the first settings of every algorithm that builds its own."""

    learner: str = setting("conv4", "architecture of the learner", choices=("conv4", "resnet10"))
    learner_width: int = setting(
        0, "channels of its first layer; 0 takes the architecture's usual width", low=0, high=512
    )
    learner_image_size: int = setting(
        0, "height and width of its images; 0 takes the largest of the pool", low=0, high=256
    )
