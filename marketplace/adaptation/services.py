"""One adaptation request: pictures in, predictions out, nothing kept."""

import json
import time
from collections.abc import Mapping, Sequence
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
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.places import RETRY_AFTER_S, place
from marketplace.adaptation.states import SessionState
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import Busy, DomainError, TooMany
from marketplace.core.secrets import seal, unseal
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import learners_usable_by
from marketplace.queue import Task, enqueue

MIN_CLASSES, MAX_CLASSES = 2, 20
MAX_PER_CLASS = 50
MAX_QUERIES = 200
MAX_LABEL_LENGTH = 100
MAX_WAITING_PER_PERSON = 2
_POLL_S = 0.03


def adaptation_run(
    *,
    user: Person,
    learner: MetaLearner,
    support: Sequence[Mapping[str, str]],
    query: Sequence[str],
    calibrate: bool,
    settings_: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Have a worker adapt the meta-learner and label the queries; wait for the answer.

    `support` is [{"label", "image"}], images the base64 of their files. Whatever happens, the
    pictures are gone when this returns.
    """
    request_check(support=support, query=query)
    with place():
        return _run(
            user,
            learner,
            {
                "support": list(support),
                "query": list(query),
                "calibrate": calibrate,
                "settings": dict(settings_ or {}),
            },
        )


def _run(user: Person, learner: MetaLearner, payload: dict[str, Any]) -> dict[str, Any]:
    session = _begin(user, learner)
    try:
        sealed = seal_pictures(session.pk, json.dumps(payload).encode())
        storage.put_stream(storage.adaptation_key(session.pk), ContentFile(sealed), durable=False)
        with transaction.atomic():
            enqueue(Task.ADAPT, session_id=str(session.pk))
            # How many pictures, never which.
            counts = {name: len(payload[name]) for name in ("support", "query")}
            record(Act.LEARNER_ADAPTED, by=session.user, row=learner, **counts)
        return _wait(session)
    finally:
        session_forget(session_id=session.pk)


@transaction.atomic
def _begin(user: Person, learner: MetaLearner) -> AdaptationSession:
    """The row first: pictures of which no row speaks would outlive a process that dies."""
    if not user.is_authenticated:
        return AdaptationSession.objects.create(learner=learner)
    User.objects.select_for_update().get(pk=user.pk)  # one at a time sees the same number
    waiting = AdaptationSession.objects.filter(
        user=user, created_at__gt=timezone.now() - _timeout()
    )
    if waiting.count() >= MAX_WAITING_PER_PERSON:
        raise TooMany(
            f"{MAX_WAITING_PER_PERSON} adaptations of yours are waiting for an answer; "
            "try again when one has come.",
            retry_after_s=RETRY_AFTER_S,
        )
    return AdaptationSession.objects.create(learner=learner, user=user)


def request_check(*, support: Sequence[Mapping[str, str]], query: Sequence[str]) -> None:
    """DomainError with a sentence for counts that cannot work; pictures are decoded later."""
    counts: dict[str, int] = {}
    for example in support:
        label = example["label"].strip()
        if not label or len(label) > MAX_LABEL_LENGTH:
            _refuse("support", f"Every class needs a name of 1 to {MAX_LABEL_LENGTH} characters.")
        counts[label] = counts.get(label, 0) + 1
    if not MIN_CLASSES <= len(counts) <= MAX_CLASSES:
        _refuse(
            "support",
            f"Name {MIN_CLASSES} to {MAX_CLASSES} classes with pictures; there are {len(counts)}.",
        )
    for label, count in counts.items():
        if count > MAX_PER_CLASS:
            _refuse(
                "support",
                f"“{label}” has {count} pictures; give at most {MAX_PER_CLASS} to a class.",
            )
    if len(query) > MAX_QUERIES:
        _refuse("query", f"Ask about at most {MAX_QUERIES} pictures at a time.")


def _refuse(field: str, message: str) -> None:
    raise DomainError(message, fields={field: message})


def seal_pictures(session_id: UUID, payload: bytes) -> bytes:
    """Only this instance can open it, and only as this session's pictures."""
    return seal(payload, secret=settings.SECRET_KEY, purpose=f"adaptation:{session_id}")


def unseal_pictures(session_id: UUID, sealed: bytes) -> bytes:
    """The reverse of `seal_pictures`."""
    return unseal(sealed, secret=settings.SECRET_KEY, purpose=f"adaptation:{session_id}")


def session_claim(*, session_id: UUID | str) -> AdaptationSession | None:
    """Take the session for this worker; None when it is taken or its time is over."""
    taken = AdaptationSession.objects.filter(pk=session_id, state=SessionState.WAITING).update(
        state=SessionState.WORKING
    )
    if not taken:
        return None
    return AdaptationSession.objects.select_related("learner", "user").filter(pk=session_id).first()


def session_allowed(*, session: AdaptationSession) -> bool:
    """Whether the person may still have the learner: while they waited, a model may be hidden."""
    user = session.user or AnonymousUser()
    return learners_usable_by(user).filter(pk=session.learner_id).exists()


def session_answer(
    *, session: AdaptationSession, state: SessionState, answer: Mapping[str, Any]
) -> None:
    """Hand the answer, sealed like the pictures, to the waiting request."""
    sealed = seal_pictures(session.pk, json.dumps(answer).encode())
    AdaptationSession.objects.filter(pk=session.pk).update(state=state, answer=sealed)


def session_forget(*, session_id: UUID) -> None:
    """Remove pictures and answer."""
    storage.remove(storage.adaptation_key(session_id))
    AdaptationSession.objects.filter(pk=session_id).delete()


def sessions_keep_time() -> None:
    """Forget the sessions whose web process died before it could."""
    cutoff = timezone.now() - 2 * _timeout()
    stale = AdaptationSession.objects.filter(created_at__lt=cutoff)
    for pk in list(stale.values_list("pk", flat=True)[:100]):
        session_forget(session_id=pk)


def _timeout() -> timedelta:
    return timedelta(seconds=settings.ADAPTATION_TIMEOUT_S)


def _wait(session: AdaptationSession) -> dict[str, Any]:
    until = time.monotonic() + settings.ADAPTATION_TIMEOUT_S
    while time.monotonic() < until:
        row = AdaptationSession.objects.filter(pk=session.pk).only("state", "answer").first()
        if row and row.state in {SessionState.ANSWERED, SessionState.REFUSED}:
            answer: dict[str, Any] = json.loads(unseal_pictures(row.pk, bytes(row.answer)))
            if row.state == SessionState.REFUSED:
                raise DomainError(answer["detail"], fields=answer.get("fields"))
            return answer
        time.sleep(_POLL_S)
    raise Busy(
        "No worker answered in time; try again in a minute, or ask your operator.",
        retry_after_s=60,
    )
