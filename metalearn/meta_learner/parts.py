from dataclasses import dataclass

from metalearn.meta_learner.adaptation_settings import AdaptationSettings
from metalearn.meta_learner.provenance import TeacherRecord
from metalearn.networks import Network


@dataclass(frozen=True)
class LearnerParts:
    """The contents of a learner directory."""

    network: Network
    mean: tuple[float, ...]
    std: tuple[float, ...]
    defaults: AdaptationSettings
    made_by: dict[str, object]
    teachers: tuple[TeacherRecord, ...]
