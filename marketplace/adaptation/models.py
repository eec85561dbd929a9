"""Adaptation sessions: rows that live as long as one request."""

from django.conf import settings
from django.db import models

from marketplace.adaptation.states import SessionState
from marketplace.core.models import Row
from marketplace.learners.models import MetaLearner


class AdaptationSession(Row):
    """One request. Pictures are sealed under `storage.adaptation_key`, the answer in this row.

    Both are removed when the person has the answer, or when the time is over.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE)
    learner = models.ForeignKey(MetaLearner, on_delete=models.CASCADE, related_name="sessions")
    state = models.CharField(
        max_length=10, choices=SessionState.choices, default=SessionState.WAITING
    )
    answer = models.BinaryField(default=bytes)
