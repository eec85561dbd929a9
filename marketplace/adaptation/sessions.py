"""Sessions: sealed pictures on their way to a worker, and its answer. Nothing is kept."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.accounts.selectors import Person
from marketplace.adaptation.answer_keys import AnswerKey, seal_answer
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.slots import RETRY_AFTER_S, take_slot
from marketplace.adaptation.states import SessionState
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_usable_by
from marketplace.core.errors import Busy, DomainError, TooMany
from marketplace.core.secrets import seal, unseal
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import learners_usable_by
from marketplace.queue import Task, enqueue

MAX_WAITING_PER_PERSON = 2
_POLL_S = 0.03


@dataclass(frozen=True)
class Asked:
    """The request to the worker, and its entry in the audit log."""

    about: MetaLearner | Checkpoint
    act: Act
    counts: Mapping[str, int]
    """Numbers of pictures."""

    def subject(self) -> dict[str, MetaLearner | Checkpoint]:
        """Return the field of the session that refers to the row."""
        return {"learner" if isinstance(self.about, MetaLearner) else "checkpoint": self.about}


def session_run(*, user: Person, asked: Asked, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Pass the pictures to a worker and wait for the answer. They are removed in every case.

    Raise DomainError with the worker's message, Busy if no worker answers, or TooMany if this user
    has other requests waiting.
    """
    with take_slot():
        own_key = AnswerKey()
        session = _begin(user, asked, own_key)
        try:
            sealed = seal_pictures(session.pk, json.dumps(payload).encode())
            key = storage.adaptation_key(session.pk)
            storage.put_stream(key, ContentFile(sealed), durable=False)
            with transaction.atomic():
                enqueue(Task.ADAPT, session_id=str(session.pk))
                record(asked.act, by=session.user, row=asked.about, **asked.counts)
            return _wait(session, own_key)
        finally:
            session_forget(session_id=session.pk)


@transaction.atomic
def _begin(user: Person, asked: Asked, own_key: AnswerKey) -> AdaptationSession:
    """Create the row before the pictures, which would otherwise outlive a crashed process."""
    about: dict[str, Any] = {**asked.subject(), "answer_key": own_key.public}
    if not user.is_authenticated:
        return AdaptationSession.objects.create(**about)
    User.objects.select_for_update().get(pk=user.pk)  # one request at a time counts
    waiting = AdaptationSession.objects.filter(
        user=user, created_at__gt=timezone.now() - _timeout()
    )
    if waiting.count() >= MAX_WAITING_PER_PERSON:
        raise TooMany(
            f"{MAX_WAITING_PER_PERSON} adaptations or checks of yours are waiting for an answer; "
            "try again when one has finished.",
            retry_after_s=RETRY_AFTER_S,
        )
    return AdaptationSession.objects.create(**about, user=user)


def seal_pictures(session_id: UUID, payload: bytes) -> bytes:
    """Encrypt the pictures, so that only this instance can open them, for this session only."""
    return seal(payload, secret=settings.SECRET_KEY, purpose=_purpose(session_id))


def unseal_pictures(session_id: UUID, sealed: bytes) -> bytes:
    return unseal(sealed, secret=settings.SECRET_KEY, purpose=_purpose(session_id))


def session_claim(*, session_id: UUID | str) -> AdaptationSession | None:
    """Claim the session for this worker. Return None if it is taken or gone."""
    taken = AdaptationSession.objects.filter(pk=session_id, state=SessionState.WAITING).update(
        state=SessionState.WORKING
    )
    if not taken:
        return None
    rows = AdaptationSession.objects.select_related("learner", "checkpoint", "user")
    return rows.filter(pk=session_id).first()


def session_allowed(*, session: AdaptationSession) -> bool:
    """Check access again: a model may have been hidden while the user waited."""
    user = session.user or AnonymousUser()
    if session.checkpoint:
        return checkpoints_usable_by(user).filter(pk=session.checkpoint.pk).exists()
    assert session.learner  # a database constraint
    return learners_usable_by(user).filter(pk=session.learner.pk).exists()


def session_answer(
    *, session: AdaptationSession, state: SessionState, answer: Mapping[str, Any]
) -> None:
    """Pass the answer to the waiting request, which alone can open it."""
    public, purpose = bytes(session.answer_key), _purpose(session.pk)
    sealed = seal_answer(json.dumps(answer).encode(), public=public, purpose=purpose)
    AdaptationSession.objects.filter(pk=session.pk).update(state=state, answer=sealed)


def session_forget(*, session_id: UUID) -> None:
    storage.remove(storage.adaptation_key(session_id))
    AdaptationSession.objects.filter(pk=session_id).delete()


def sessions_tick() -> None:
    """Remove sessions whose web process died before doing so."""
    cutoff = timezone.now() - 2 * _timeout()
    stale = AdaptationSession.objects.filter(created_at__lt=cutoff)
    for pk in list(stale.values_list("pk", flat=True)[:100]):
        session_forget(session_id=pk)


def _purpose(session_id: UUID) -> str:
    return f"adaptation:{session_id}"


def _timeout() -> timedelta:
    return timedelta(seconds=settings.ADAPTATION_TIMEOUT_S)


def _wait(session: AdaptationSession, own_key: AnswerKey) -> dict[str, Any]:
    until = time.monotonic() + settings.ADAPTATION_TIMEOUT_S
    while time.monotonic() < until:
        row = AdaptationSession.objects.filter(pk=session.pk).only("state", "answer").first()
        if row and row.state in {SessionState.ANSWERED, SessionState.REFUSED}:
            opened = own_key.unseal(bytes(row.answer), purpose=_purpose(row.pk))
            answer: dict[str, Any] = json.loads(opened)
            if row.state == SessionState.REFUSED:
                raise DomainError(answer["detail"], fields=answer.get("fields"))
            return answer
        time.sleep(_POLL_S)
    raise Busy(
        "No worker answered in time; try again in a minute, with fewer pictures if there are many, "
        "or ask your operator.",
        retry_after_s=60,
    )
