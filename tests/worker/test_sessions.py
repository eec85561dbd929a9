"""One adaptation request through the worker: answered, refused with a reason, nothing kept."""

import base64
import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.adaptation.answer_keys import AnswerKey
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import seal_pictures
from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from tests.worker.toy import build_toy
from worker.publishing import store_learner
from worker.sessions import answer_session

WAITING = AnswerKey()
"""The key of the web process that waits."""


def picture(colour: str) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def session(queued_job: Job) -> Callable[..., AdaptationSession]:
    learner = store_learner(queued_job, build_toy()).publish()

    def make(**changes: Any) -> AdaptationSession:
        payload = {
            "support": [
                {"label": "red", "image": picture("red")},
                {"label": "blue", "image": picture("blue")},
            ],
            "query": [picture("red")],
            "calibrate": False,
            "settings": {},
            **changes,
        }
        row = AdaptationSession.objects.create(
            learner=learner, user=learner.owner, answer_key=WAITING.public
        )
        sealed = seal_pictures(row.pk, json.dumps(payload).encode())
        storage.put_stream(storage.adaptation_key(row.pk), ContentFile(sealed))
        return row

    return make


def opened(row: AdaptationSession) -> dict[str, Any]:
    """Return the answer as the waiting process reads it."""
    row.refresh_from_db()
    return json.loads(WAITING.unseal(bytes(row.answer), purpose=f"adaptation:{row.pk}"))


def answer_of(row: AdaptationSession) -> dict[str, Any]:
    answer_session(str(row.pk))
    return opened(row)


def test_a_request_is_answered_and_its_pictures_are_gone(
    session: Callable[..., AdaptationSession],
) -> None:
    row = session()
    answer = answer_of(row)
    assert row.state == SessionState.ANSWERED
    assert answer["predictions"][0]["label"] == "red"
    assert not default_storage.exists(storage.adaptation_key(row.pk))


def test_a_picture_that_does_not_decode_is_named(session: Callable[..., AdaptationSession]) -> None:
    broken = base64.b64encode(b"words").decode()
    row = session(
        support=[{"label": "red", "image": picture("red")}, {"label": "blue", "image": broken}]
    )
    answer = answer_of(row)
    assert row.state == SessionState.REFUSED
    assert "blue" in answer["detail"]


def test_a_bug_is_not_shown(
    session: Callable[..., AdaptationSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("worker.sessions.run_adaptation", broken)
    row = session()
    with pytest.raises(RuntimeError):
        answer_session(str(row.pk))
    answer = opened(row)
    assert row.state == SessionState.REFUSED
    assert "secret" not in answer["detail"]


def test_a_request_that_nobody_waits_for_any_more_is_left_alone(transactional_db: None) -> None:
    answer_session(str(uuid.uuid4()))


def test_a_request_is_answered_once(
    session: Callable[..., AdaptationSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = session()
    answer_of(row)
    monkeypatch.setattr("worker.sessions.run_adaptation", lambda *args: pytest.fail("again"))
    answer_session(str(row.pk))


def test_a_request_that_waited_while_a_model_was_put_into_quarantine_is_refused(
    session: Callable[..., AdaptationSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = session()
    bob = User.objects.create_user("bob")
    model = Checkpoint.objects.create(
        owner=bob,
        name="faces",
        visibility="public",
        licence=Licence.MIT,
        image_size=16,
        channels=3,
        upload_bytes=1,
        state=CheckpointState.VALID,
    )
    row.learner.copied_models.add(model)
    held = checkpoint_quarantine(checkpoint=model, by=None, reason="People.")
    with monkeypatch.context() as patched:
        patched.setattr("worker.sessions.run_adaptation", lambda *args: pytest.fail("adapted"))
        answer = answer_of(row)
    assert row.state == SessionState.REFUSED
    assert "in quarantine or no longer shared with you" in answer["detail"]
    assert "faces" not in answer["detail"]
    assert not default_storage.exists(storage.adaptation_key(row.pk))
    checkpoint_release(checkpoint=held, by=None)
    again = session()
    answer_of(again)
    assert again.state == SessionState.ANSWERED
