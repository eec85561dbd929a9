"""Runs a job: claim, resume, train, publish, end."""

import logging
import os
import socket
import time
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, LeaseLost, job_claim, job_log, job_move
from marketplace.jobs.states import JobState
from marketplace.queue import Task, enqueue
from metalearn.algorithm import Algorithm
from metalearn.errors import MetaLearnError
from metalearn.loop import train
from worker import stopping
from worker.heartbeat import Heartbeat
from worker.pools import build_algorithm
from worker.previews import Previews
from worker.progress import Every, Progress
from worker.publishing import publish_learner
from worker.snapshots import Snapshots, StoredSnapshots

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENCE_S = 600.0


class Outcome(Enum):
    """How a run came to its end."""

    FINISHED = auto()
    CANCELLED = auto()
    LET_GO = auto()


def run_job(
    job_id: str,
    *,
    build: Callable[[Job], Algorithm] = build_algorithm,
    snapshots: Snapshots | None = None,
) -> None:
    """Claim, resume, train, end. A second delivery of the same message does nothing."""
    try:
        job = job_claim(job_id=job_id, worker=f"{socket.gethostname()}:{os.getpid()}")
    except IllegalMove as error:
        log.info("job %s is not ours to run: %s", job_id, error)
        return
    snapshots = snapshots or StoredSnapshots()
    try:
        with Heartbeat(job):
            algorithm = build(job)
            outcome = _train(job, algorithm, snapshots)
            _end(job, algorithm, snapshots, outcome)
    except (LeaseLost, IllegalMove):
        log.warning("job %s went to another worker; nothing more is written", job_id)
    except MetaLearnError as error:
        _fail(job, str(error))
    except Exception:
        _fail(job, "Something went wrong on our side; the operator finds it in the worker's log.")
        raise


def _train(job: Job, algorithm: Algorithm, snapshots: Snapshots) -> Outcome:
    """Take the steps that are left, until the last one, a cancel, or a wish to stop."""
    if state := snapshots.load(job):
        algorithm.load_state_dict(state)
        job_log(job=job, text=f"Goes on after step {algorithm.steps_done}.")
    progress, previews = Progress(job), Previews(job)
    save = Every(settings.SNAPSHOT_EVERY_S)
    for report in train(algorithm):
        state_now = patiently(partial(progress.note, report))
        previews.show(report)
        cancelled, let_go = state_now is JobState.CANCELLING, stopping.wished()
        if cancelled or let_go or save.due():
            # Only after the report has gone through is the job known to be still ours.
            patiently(progress.write)
            snapshots.save(job, algorithm.steps_done, algorithm.state_dict())
        if cancelled or let_go:
            return Outcome.CANCELLED if cancelled else Outcome.LET_GO
    return Outcome.FINISHED


def _end(job: Job, algorithm: Algorithm, snapshots: Snapshots, outcome: Outcome) -> None:
    if outcome is Outcome.FINISHED:
        publish_learner(job, algorithm)
        job_move(job=job, to=JobState.SUCCEEDED, eta_s=0.0, finished_at=timezone.now())
        job_log(job=job, text="Finished; the meta-learner is ready.")
        snapshots.forget(job)
    elif outcome is Outcome.CANCELLED:
        job_move(job=job, to=JobState.CANCELLED, eta_s=None, finished_at=timezone.now())
        job_log(job=job, text="Cancelled; it can be resumed from here.")
        Previews(job).forget()
    else:
        with transaction.atomic():
            job_move(job=job, to=JobState.QUEUED, woken_at=timezone.now())
            job_log(job=job, text="The worker is being stopped; the next one goes on from here.")
            enqueue(Task.RUN_JOB, job_id=str(job.pk))


def _fail(job: Job, reason: str) -> None:
    try:
        job_move(job=job, to=JobState.FAILED, error=reason, eta_s=None, finished_at=timezone.now())
        job_log(job=job, text=f"Failed: {reason}")
    except IllegalMove:
        log.warning("job %s failed here after it had gone to another worker", job.pk)


def patiently(write: Callable[[], T], *, patience_s: float = _PATIENCE_S) -> T:
    """Call until the database answers: a minute without it must not cost hours of work."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return write()
        except OperationalError:
            if time.monotonic() > until:
                raise
            log.exception("the database does not answer; trying again")
            connection.close()
            time.sleep(1.0)
