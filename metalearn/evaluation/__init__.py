"""Few-shot accuracy of meta-learners, and accuracy of uploaded classifiers."""

from metalearn.evaluation.few_shot import (
    Evaluation,
    EvaluationPlan,
    episode_accuracies,
    evaluate,
    summarise,
)

__all__ = ["Evaluation", "EvaluationPlan", "episode_accuracies", "evaluate", "summarise"]
