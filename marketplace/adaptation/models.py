from django.conf import settings
from django.db import models

from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.models import Row
from marketplace.learners.models import MetaLearner


class AdaptationSession(Row):
    """A request to adapt a meta-learner, or to check a model with pictures.

    Pictures are sealed under `storage.adaptation_key`, the answer in this row. Both are removed
    after the answer or the timeout.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    learner = models.ForeignKey(
        MetaLearner, null=True, on_delete=models.CASCADE, related_name="sessions"
    )
    checkpoint = models.ForeignKey(
        Checkpoint, null=True, on_delete=models.CASCADE, related_name="sessions"
    )
    state = models.CharField(
        max_length=10, choices=SessionState.choices, default=SessionState.WAITING
    )
    # The public half; see `marketplace.adaptation.answer_keys`.
    answer_key = models.BinaryField(default=bytes)
    answer = models.BinaryField(default=bytes)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(learner__isnull=False, checkpoint=None)
                | models.Q(learner=None, checkpoint__isnull=False),
                name="session_about_one_row",
            )
        ]
