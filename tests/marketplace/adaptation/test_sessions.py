"""Requests with pictures: sealed on their way to a worker, answered, and nothing kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.adaptation import sessions
from marketplace.adaptation.answer_keys import AnswerKey
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import (
    seal_pictures,
    session_answer,
    session_claim,
    session_forget,
    sessions_tick,
    unseal_pictures,
)
from marketplace.adaptation.states import SessionState
from marketplace.core.errors import TooMany
from marketplace.core.secrets import Undecryptable
from marketplace.learners.models import MetaLearner
from tests.marketplace.adaptation.asking import adapt


def test_of_two_workers_one_takes_the_request(session: AdaptationSession) -> None:
    first = session_claim(session_id=session.pk)
    assert (first.state, first.learner) == (SessionState.WORKING, session.learner)
    assert session_claim(session_id=session.pk) is None
    assert session_claim(session_id=uuid4()) is None


def test_only_the_process_that_waits_can_open_the_answer(session: AdaptationSession) -> None:
    waiting = AnswerKey()
    session.answer_key = waiting.public
    session_answer(session=session, state=SessionState.ANSWERED, answer={"labels": ["robin"]})
    answer = bytes(AdaptationSession.objects.get().answer)
    assert b"robin" not in answer
    assert b"robin" in waiting.unseal(answer, purpose=f"adaptation:{session.pk}")
    with pytest.raises(Undecryptable):
        waiting.unseal(answer, purpose=f"adaptation:{uuid4()}")
    with pytest.raises(Undecryptable):  # all that is stored: the row and the instance's key
        unseal_pictures(session.pk, answer)


def test_an_answer_to_a_request_that_is_over_changes_nothing(session: AdaptationSession) -> None:
    session_forget(session_id=session.pk)
    session_answer(session=session, state=SessionState.ANSWERED, answer={})
    assert not AdaptationSession.objects.exists()


def test_forgetting_removes_row_and_pictures_and_may_come_twice(
    session: AdaptationSession, left: Callable[..., Any]
) -> None:
    assert left()
    session_forget(session_id=session.pk)
    session_forget(session_id=session.pk)
    assert left() == [] and not AdaptationSession.objects.exists()


def test_the_clock_forgets_what_a_dead_web_process_left(
    session: AdaptationSession, left: Callable[..., Any], settings: Settings
) -> None:
    sessions_tick()
    assert AdaptationSession.objects.exists()
    old = timezone.now() - timedelta(seconds=2 * settings.ADAPTATION_TIMEOUT_S + 1)
    AdaptationSession.objects.update(created_at=old)
    sessions_tick()
    assert left() == [] and not AdaptationSession.objects.exists()


def test_pictures_are_sealed_with_the_key_of_the_instance(settings: Settings) -> None:
    pk = uuid4()
    sealed = seal_pictures(pk, b"pixels")
    assert b"pixels" not in sealed and unseal_pictures(pk, sealed) == b"pixels"
    settings.SECRET_KEY = "another instance"
    with pytest.raises(Undecryptable):
        unseal_pictures(pk, sealed)


def test_a_third_request_of_the_same_person_is_told_to_come_later(
    learner: MetaLearner,
    alice: User,
    bob: User,
    left: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = [AdaptationSession.objects.create(learner=learner, user=alice) for _ in range(2)]
    monkeypatch.setattr(sessions, "_wait", lambda session, own_key: {"labels": []})
    with pytest.raises(TooMany, match="2 adaptations or checks of yours") as refused:
        adapt(alice, learner)
    assert refused.value.status == 429 and refused.value.headers["Retry-After"] == "10"
    assert left() == [] and AdaptationSession.objects.count() == 2
    assert adapt(bob, learner) == {"labels": []}
    others[0].delete()
    assert adapt(alice, learner) == {"labels": []}


def test_what_a_dead_process_left_does_not_count_against_anybody(
    learner: MetaLearner, alice: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    for _ in range(2):
        AdaptationSession.objects.create(learner=learner, user=alice)
    old = timezone.now() - timedelta(seconds=settings.ADAPTATION_TIMEOUT_S + 1)
    AdaptationSession.objects.update(created_at=old)
    monkeypatch.setattr(sessions, "_wait", lambda session, own_key: {})
    assert adapt(alice, learner) == {}


def test_a_row_speaks_of_pictures_before_they_are_stored(
    learner: MetaLearner, alice: User, left: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        assert AdaptationSession.objects.count() == 1 and left() == []
        raise RuntimeError

    monkeypatch.setattr(storage, "put_stream", die)
    with pytest.raises(RuntimeError):
        adapt(alice, learner)
