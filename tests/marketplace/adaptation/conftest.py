"""A request that waits, and what is left of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.adaptation.answer_keys import AnswerKey
from marketplace.adaptation.models import AdaptationSession
from marketplace.learners.models import MetaLearner


@pytest.fixture
def session(learner: MetaLearner, alice: User) -> AdaptationSession:
    """A request that waits for a worker."""
    key = AnswerKey().public
    row = AdaptationSession.objects.create(learner=learner, user=alice, answer_key=key)
    storage.put_stream(storage.adaptation_key(row.pk), ContentFile(b"sealed"))
    return row


@pytest.fixture
def left(stored: Callable[..., Any]) -> Callable[..., Any]:
    """What is in the folder of requests."""
    return lambda: stored("adaptations")
