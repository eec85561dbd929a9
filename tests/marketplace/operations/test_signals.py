"""Uploads and adaptations are counted when their rows come and go."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.adaptation.answer_keys import AnswerKey
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import session_answer, session_forget
from marketplace.adaptation.states import SessionState
from marketplace.learners.models import MetaLearner
from tests.marketplace.operations.prometheus import numbers

pytestmark = pytest.mark.django_db


def test_requests_uploads_and_adaptations_are_counted(
    client: Client, make_checkpoint: Callable[..., Any], learner: MetaLearner, alice: User
) -> None:
    def counts() -> list[float]:
        found = numbers()
        keys = (
            ("freehold_http_requests_total", "200", "GET", "healthz"),
            ("freehold_uploaded_bytes_total", "checkpoint"),
            ("freehold_adaptations_total", "answered"),
            ("freehold_adaptation_seconds_count",),
        )
        return [found.get(key, 0) for key in keys]

    before = counts()
    client.get("/healthz")
    make_checkpoint("another", content=b"x" * 50)
    key = AnswerKey().public
    row = AdaptationSession.objects.create(learner=learner, user=alice, answer_key=key)
    session_answer(session=row, state=SessionState.ANSWERED, answer={})
    session_forget(session_id=row.pk)
    assert [after - old for after, old in zip(counts(), before, strict=True)] == [1, 50, 1, 1]
