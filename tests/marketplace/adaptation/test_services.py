"""One adaptation request: nothing of it stays, whatever happens."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import Settings

from marketplace.accounts.models import User
<<<<<<< HEAD
from marketplace.adaptation import sessions, slots
from marketplace.adaptation.answer_keys import AnswerKey
=======
from marketplace.adaptation import sessions
>>>>>>> h-test-b
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.services import adaptation_run, request_check
from marketplace.core.errors import Busy, DomainError
from marketplace.learners.models import MetaLearner
<<<<<<< HEAD

SUPPORT = [{"label": "robin", "image": "AAAA"}, {"label": "wren", "image": "BBBB"}]


@pytest.fixture
def session(learner: MetaLearner, alice: User) -> AdaptationSession:
    """A request that waits for a worker."""
    row = AdaptationSession.objects.create(
        learner=learner, user=alice, answer_key=AnswerKey().public
    )
    storage.put_stream(storage.adaptation_key(row.pk), ContentFile(b"sealed"))
    return row


@pytest.fixture
def left(stored: Callable[..., Any]) -> Callable[..., Any]:
    """What lies in the folder of requests."""
    return lambda: stored("adaptations")


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
=======
from tests.marketplace.adaptation.asking import SUPPORT
>>>>>>> h-test-b


@pytest.mark.parametrize("where", ["enqueue", "_wait", "seal_pictures"])
def test_nothing_stays_when_anything_fails(
    learner: MetaLearner,
    alice: User,
    left: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(sessions, where, fail)
    with pytest.raises(RuntimeError):
        adaptation_run(user=alice, learner=learner, support=SUPPORT, query=[], calibrate=False)
    assert left() == [] and not AdaptationSession.objects.exists()


def test_a_time_out_is_said_and_nothing_stays(
    learner: MetaLearner, left: Callable[..., Any], settings: Settings
) -> None:
    settings.ADAPTATION_TIMEOUT_S = 0.01
    with pytest.raises(Busy, match="No worker answered"):
        adaptation_run(
            user=AnonymousUser(), learner=learner, support=SUPPORT, query=["AAAA"], calibrate=True
        )
    assert left() == [] and not AdaptationSession.objects.exists()


def examples(n_classes: int, per_class: int) -> list[dict[str, str]]:
    """So many classes with so many pictures each."""
    return [{"label": f"c{i}", "image": "A"} for i in range(n_classes) for _ in range(per_class)]


@pytest.mark.parametrize(("n_classes", "per_class"), [(2, 1), (20, 50), (2, 50), (20, 1)])
def test_the_ends_of_what_is_allowed(n_classes: int, per_class: int) -> None:
    request_check(support=examples(n_classes, per_class), query=["A"] * 200)


@pytest.mark.parametrize(
    ("support", "query", "field"),
    [
        (examples(1, 5), [], "support"),
        (examples(21, 1), [], "support"),
        (examples(2, 51), [], "support"),
        ([], [], "support"),
        ([*examples(2, 1), {"label": "  ", "image": "A"}], [], "support"),
        ([*examples(2, 1), {"label": "x" * 101, "image": "A"}], [], "support"),
        ([{"label": "a", "image": "A"}, {"label": " a ", "image": "A"}], [], "support"),
        (examples(2, 1), ["A"] * 201, "query"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(
    support: list[Any], query: list[Any], field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        request_check(support=support, query=query)
    assert set(caught.value.fields) == {field}
<<<<<<< HEAD


def test_pictures_are_sealed_with_the_key_of_the_instance(settings: Settings) -> None:
    pk = uuid4()
    sealed = seal_pictures(pk, b"pixels")
    assert b"pixels" not in sealed and unseal_pictures(pk, sealed) == b"pixels"
    settings.SECRET_KEY = "another instance"
    with pytest.raises(Undecryptable):
        unseal_pictures(pk, sealed)


def adapt(person: User, learner: MetaLearner) -> dict[str, Any]:
    """A request of two pictures."""
    return adaptation_run(user=person, learner=learner, support=SUPPORT, query=[], calibrate=False)


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


def test_half_of_a_processs_threads_are_never_taken_by_adaptations(
    learner: MetaLearner,
    alice: User,
    left: Callable[..., Any],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.WEB_THREADS = 4
    monkeypatch.setattr(sessions, "_wait", lambda session, own_key: {})
    with slots.take_slot(), slots.take_slot():
        with pytest.raises(Busy, match="Too many adaptations") as refused:
            adapt(alice, learner)
        assert refused.value.headers["Retry-After"] == "10"
        assert left() == [] and not AdaptationSession.objects.exists()
    assert adapt(alice, learner) == {}
    assert slots._taken == 0


def test_a_row_speaks_of_pictures_before_they_are_stored(
    learner: MetaLearner, alice: User, left: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        assert AdaptationSession.objects.count() == 1 and left() == []
        raise RuntimeError

    monkeypatch.setattr(storage, "put_stream", die)
    with pytest.raises(RuntimeError):
        adapt(alice, learner)
=======
>>>>>>> h-test-b
