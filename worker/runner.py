"""Runs a job: claim, resume, train, publish, end."""

import logging
import os
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from marketplace.jobs.models import Job
from marketplace.jobs.moves import (
    IllegalMove,
    LeaseLost,
    job_claim,
    job_let_go,
    job_log,
    job_lose,
    job_move,
)
from marketplace.jobs.states import JobState
from metalearn.algorithm import Algorithm, train
from metalearn.errors import MetaLearnError
from worker import stopping
from worker.errors import OutOfMemory
from worker.every import Every
from worker.heartbeat import Heartbeat
from worker.naming import worker_name
from worker.patience import is_out_of_memory, passes, patiently
from worker.pools import build_algorithm
from worker.previews import Previews
from worker.progress import Progress
from worker.publishing import StoredLearner, store_learner
from worker.snapshots import Snapshots, StoredSnapshots

log = logging.getLogger(__name__)

# A message whose database is away is let go sooner than a job: the clock sends it again.
_CLAIM_PATIENCE_S = 60.0


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
    claim = partial(job_claim, job_id=job_id, worker=worker_name(os.getpid()))
    try:
        job = patiently(claim, patience_s=_CLAIM_PATIENCE_S)
    except IllegalMove as error:
        log.info("job %s is not ours to run: %s", job_id, error)
        return
    snapshots = snapshots or StoredSnapshots()
    try:
        with Heartbeat(job) as heartbeat:
            algorithm = patiently(partial(build, job))
            outcome = _train(job, algorithm, snapshots, heartbeat.moved)
            _end(job, algorithm, snapshots, outcome)
    except (LeaseLost, IllegalMove):
        log.warning("job %s went to another worker; nothing more is written", job_id)
    except MetaLearnError as error:
        _fail(job, str(error))
    except Exception as error:
        if is_out_of_memory(error):
            _lose(job)
            # Celery's parent takes a MemoryError of its child for one of its own, and ends.
            raise OutOfMemory(f"job {job_id}: {error}") from error
        if passes(error) and stopping.wished():
            # This worker may not wait for what is away; the next one can.
            _give_back(job)
        else:
            _fail(job, _reason(error))
        raise


def _train(
    job: Job, algorithm: Algorithm, snapshots: Snapshots, moved: Callable[[], None]
) -> Outcome:
    """Take the steps that are left, until the last one, a cancel, or a wish to stop."""
    _resume(job, algorithm, snapshots)
    progress, previews = Progress(job), Previews(job)
    save = Every(settings.SNAPSHOT_EVERY_S)
    moved()
    for report in train(algorithm):
        moved()
        state_now = patiently(partial(progress.note, report))
        previews.show(report)
        cancelled, let_go = state_now is JobState.CANCELLING, stopping.wished()
        if cancelled or let_go or save.due():
            # Only after the report has gone through is the job known to be still ours.
            patiently(progress.write)
            _save(job, algorithm, snapshots)
        if cancelled or let_go:
            return Outcome.CANCELLED if cancelled else Outcome.LET_GO
    return Outcome.FINISHED


def _resume(job: Job, algorithm: Algorithm, snapshots: Snapshots) -> None:
    state = patiently(partial(snapshots.load, job))
    if state and not algorithm.fits(state):
        # To begin anew costs time; to go on with half of it would cost the run.
        log.warning("the snapshot of job %s is of another release; it begins anew", job.pk)
        state = None
    if state:
        algorithm.load_state_dict(state)
    if state or job.steps_done:
        # What had been reported when the last worker was lost, beyond what it had saved.
        again = max(0, job.steps_done - algorithm.steps_done)
        text = f"Goes on after step {algorithm.steps_done}; steps taken again: {again}."
        patiently(partial(job_log, job=job, text=text))
        return
    for notice in algorithm.notices():
        patiently(partial(job_log, job=job, text=notice))


def _save(job: Job, algorithm: Algorithm, snapshots: Snapshots) -> None:
    """Save a snapshot. A storage that is full or away costs repeated work, never the run."""
    try:
        snapshots.save(job, algorithm.steps_done, algorithm.state_dict())
    except Exception as error:
        if not passes(error):
            raise
        log.exception("no snapshot of job %s after step %s", job.pk, algorithm.steps_done)


def _end(job: Job, algorithm: Algorithm, snapshots: Snapshots, outcome: Outcome) -> None:
    if outcome is Outcome.FINISHED:
        learner = patiently(partial(store_learner, job, algorithm))
        try:
            _settle(job, JobState.SUCCEEDED, partial(_succeed, job, learner))
        except IllegalMove:
            learner.remove()
            raise
        patiently(partial(snapshots.forget, job))
    elif outcome is Outcome.CANCELLED:
        _settle(job, JobState.CANCELLED, partial(_cancel, job))
        Previews(job).forget()
    else:
        _settle(job, JobState.QUEUED, partial(job_let_go, job=job))


def _settle(job: Job, to: JobState, move: Callable[[], None]) -> None:
    """Make the last move. One that was made and whose answer got lost counts as made."""
    try:
        patiently(move)
    except IllegalMove:
        ours = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=to)
        if not patiently(ours.exists):
            raise


@transaction.atomic
def _succeed(job: Job, learner: StoredLearner) -> None:
    # The move first: it holds the fence until the learner's row is written as well.
    job_move(job=job, to=JobState.SUCCEEDED, eta_s=0.0, finished_at=timezone.now())
    learner.publish()
    job_log(job=job, text="Finished; the meta-learner is ready.")


@transaction.atomic
def _cancel(job: Job) -> None:
    job_move(job=job, to=JobState.CANCELLED, eta_s=None, finished_at=timezone.now())
    job_log(job=job, text="Cancelled; it can be resumed from here.")


def _lose(job: Job) -> None:
    try:
        patiently(partial(job_lose, job=job, reason="The worker ran out of memory"))
    except IllegalMove:
        log.warning("job %s ran out of memory here after it had gone to another worker", job.pk)


def _give_back(job: Job) -> None:
    try:
        patiently(partial(job_let_go, job=job))
    except IllegalMove:
        log.warning("job %s had been taken or cancelled when this worker let go", job.pk)


def _fail(job: Job, reason: str) -> None:
    try:
        patiently(partial(_write_failure, job, reason))
    except IllegalMove:
        log.warning("job %s failed here after it had gone to another worker", job.pk)


@transaction.atomic
def _write_failure(job: Job, reason: str) -> None:
    job_move(job=job, to=JobState.FAILED, error=reason, eta_s=None, finished_at=timezone.now())
    job_log(job=job, text=f"Failed: {reason}")


def _reason(error: Exception) -> str:
    if passes(error):
        return "Database or storage did not answer for minutes; resume when your operator says so."
    return "Something went wrong on our side; the operator finds it in the worker's log."
