"""One check with pictures: what is refused, whose result is kept, and that nothing else stays."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.adaptation import sessions
from marketplace.adaptation.checking import check_run
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import session_allowed, session_claim
from marketplace.audit.models import Record
from marketplace.checkpoints.checked import read_as_now
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import Busy, Conflict, DomainError, TooMany
from marketplace.learners.models import MetaLearner

PICTURE = {"label": "birds 0", "image": "AAAA"}


@pytest.fixture
def model(make_checkpoint: Callable[..., Any], shared: Any) -> Checkpoint:
    """Alice's, shared with her team."""
    return make_checkpoint(**shared.team)


@pytest.fixture
def answered(model: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A worker answers that so many of ten pictures were right."""

    def install(right: int, **changes: Any) -> None:
        read_as = {**read_as_now(model), **changes}
        answer = {"n_pictures": 10, "n_right": right, "read_as": read_as}
        monkeypatch.setattr(sessions, "_wait", lambda session, own_key: dict(answer))

    return install


def test_the_owners_result_is_kept_on_the_row(
    alice: User, model: Checkpoint, answered: Callable[..., None]
) -> None:
    answered(9)
    answer = check_run(user=alice, checkpoint=model, pictures=[PICTURE] * 10)
    assert answer["recorded"] and answer["summary"] == "9 of 10 pictures right"
    assert answer["advice"] == "" and "read_as" not in answer
    model.refresh_from_db()
    assert str(model.score) == "9 of 10 pictures right"


def test_a_teammates_result_is_told_and_not_kept(
    bob: User, model: Checkpoint, answered: Callable[..., None]
) -> None:
    answered(1)
    answer = check_run(user=bob, checkpoint=model, pictures=[PICTURE] * 10)
    assert not answer["recorded"] and "no better than guessing" in answer["advice"]
    model.refresh_from_db()
    assert model.score is None


def test_a_result_of_another_reading_is_told_and_not_kept(
    alice: User, model: Checkpoint, answered: Callable[..., None]
) -> None:
    answered(9, image_size=64)
    assert not check_run(user=alice, checkpoint=model, pictures=[PICTURE])["recorded"]
    model.refresh_from_db()
    assert model.score is None


def test_the_log_says_how_many_pictures_there_were_and_nothing_else_of_them(
    alice: User, model: Checkpoint, answered: Callable[..., None]
) -> None:
    answered(9)
    check_run(user=alice, checkpoint=model, pictures=[PICTURE] * 10)
    entry = Record.objects.get(act="model.checked")
    assert entry.details == {"pictures": 10}


@pytest.mark.parametrize("where", ["enqueue", "_wait", "seal_pictures"])
def test_nothing_stays_when_anything_fails(
    alice: User,
    model: Checkpoint,
    stored: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(sessions, where, fail)
    with pytest.raises(RuntimeError):
        check_run(user=alice, checkpoint=model, pictures=[PICTURE])
    assert stored("adaptations") == [] and not AdaptationSession.objects.exists()


def test_a_worker_that_dies_midway_leaves_a_time_out_and_the_model_as_it_was(
    alice: User,
    model: Checkpoint,
    stored: Callable[..., Any],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.ADAPTATION_TIMEOUT_S = 0.05
    monkeypatch.setattr(
        sessions, "enqueue", lambda task, session_id: session_claim(session_id=session_id)
    )
    with pytest.raises(Busy, match="No worker answered"):
        check_run(user=alice, checkpoint=model, pictures=[PICTURE])
    assert stored("adaptations") == [] and not AdaptationSession.objects.exists()
    model.refresh_from_db()
    assert model.score is None and model.state == CheckpointState.VALID


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([], "1 to 50 pictures at a time; there are 0"),
        ([PICTURE] * 51, "1 to 50 pictures at a time; there are 51"),
        ([{"label": "owl", "image": "A"}], "no class “owl”; label"),
        ([{"label": str(n), "image": "A"} for n in range(7)], "“4” and 2 more; label"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(
    alice: User, model: Checkpoint, stored: Callable[..., Any], pictures: list[Any], sentence: str
) -> None:
    with pytest.raises(DomainError, match=sentence) as refused:
        check_run(user=alice, checkpoint=model, pictures=pictures)
    assert set(refused.value.fields) == {"pictures"}
    assert stored("adaptations") == []


@pytest.mark.parametrize("state", ["uploaded", "validating", "rejected"])
def test_a_model_that_is_not_valid_cannot_be_checked(
    alice: User, make_checkpoint: Callable[..., Any], state: str
) -> None:
    row = make_checkpoint(state=state)
    with pytest.raises(Conflict, match=f"is {state}; only a valid one"):
        check_run(user=alice, checkpoint=row, pictures=[PICTURE])


def test_a_model_in_quarantine_cannot_be_checked(alice: User, model: Checkpoint) -> None:
    held = checkpoint_quarantine(checkpoint=model, by=None, reason="People.")
    with pytest.raises(Conflict, match="in quarantine"):
        check_run(user=alice, checkpoint=held, pictures=[PICTURE])


def test_checks_and_adaptations_of_a_person_are_counted_together(
    alice: User, bob: User, model: Checkpoint, learner: MetaLearner, answered: Callable[..., None]
) -> None:
    AdaptationSession.objects.create(learner=learner, user=alice)
    AdaptationSession.objects.create(checkpoint=model, user=alice)
    answered(9)
    with pytest.raises(TooMany, match="2 adaptations or checks"):
        check_run(user=alice, checkpoint=model, pictures=[PICTURE])
    assert check_run(user=bob, checkpoint=model, pictures=[PICTURE])["n_right"] == 9


def test_a_model_that_is_hidden_while_its_pictures_wait_is_not_used(
    alice: User, bob: User, model: Checkpoint
) -> None:
    session = AdaptationSession.objects.create(checkpoint=model, user=bob)
    assert session_allowed(session=session)
    model.visibility, model.team = "private", None
    model.save()
    assert not session_allowed(session=session)
