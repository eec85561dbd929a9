"""Requests with pictures, which are decrypted only in this process's memory."""

import json
import logging
from functools import cache
from typing import Any

import torch
from django.conf import settings
from django.core.files.storage import default_storage

from marketplace import storage
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import (
    session_allowed,
    session_answer,
    session_claim,
    unseal_pictures,
)
from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.checked import read_as_now
from metalearn.errors import MetaLearnError
from worker.adaptation import run_adaptation
from worker.devices import pick_device, set_up_cpu
from worker.loading import load_teacher
from worker.picture_check import run_check
from worker.publishing import learner_directory

MODEL_NOT_SHARED = "This model is in quarantine or no longer shared with you."
NOT_SHARED = (
    "This meta-learner is no longer shared with you, or holds a copy of a model that is in "
    "quarantine or no longer shared with you."
)
log = logging.getLogger(__name__)


def answer_session(session_id: str) -> None:
    """Claim, decrypt, adapt or check, and answer. Does nothing if it is already claimed."""
    session = session_claim(session_id=session_id)
    if session is None:
        return
    if not session_allowed(session=session):
        storage.remove(storage.adaptation_key(session.pk))
        _refuse(session, MODEL_NOT_SHARED if session.checkpoint else NOT_SHARED)
        return
    try:
        answer = _answer(session, _open(session))
    except MetaLearnError as error:
        _refuse(session, str(error))
    except Exception:
        _refuse(session, "Something went wrong on our side; your operator can find it in the log.")
        raise
    else:
        session_answer(session=session, state=SessionState.ANSWERED, answer=answer)


def _answer(session: AdaptationSession, payload: dict[str, Any]) -> dict[str, Any]:
    if session.checkpoint:
        read_as = read_as_now(session.checkpoint)
        checked = run_check(load_teacher(session.checkpoint), payload, _device())
        return {**checked, "read_as": read_as}
    assert session.learner  # a database constraint
    return run_adaptation(learner_directory(session.learner), payload, _device())


def _open(session: AdaptationSession) -> dict[str, Any]:
    key = storage.adaptation_key(session.pk)
    with default_storage.open(key) as file:
        sealed = file.read()
    storage.remove(key)
    payload: dict[str, Any] = json.loads(unseal_pictures(session.pk, sealed))
    return payload


def _refuse(session: AdaptationSession, detail: str) -> None:
    session_answer(session=session, state=SessionState.REFUSED, answer={"detail": detail})


@cache
def _device() -> torch.device:
    set_up_cpu(settings.WORKER_THREADS)
    return pick_device(settings.WORKER_DEVICE)
