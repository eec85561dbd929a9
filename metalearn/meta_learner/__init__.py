"""A finished meta-learner: adapt it to a support set, save it, load it."""

from metalearn.meta_learner.adaptation_settings import AdaptationSettings, calibrated
from metalearn.meta_learner.card import OPERATOR_PICTURES, RECOVERS_IMAGES, model_card
from metalearn.meta_learner.classifier import Classifier
from metalearn.meta_learner.learner import MetaLearner
from metalearn.meta_learner.provenance import TeacherRecord

__all__ = [
    "OPERATOR_PICTURES",
    "RECOVERS_IMAGES",
    "AdaptationSettings",
    "Classifier",
    "MetaLearner",
    "TeacherRecord",
    "calibrated",
    "model_card",
]
