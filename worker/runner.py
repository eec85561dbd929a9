"""Runs a job: claim, resume, train, publish, finish."""

import logging
import os
from collections.abc import Callable
from enum import Enum, auto

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from marketplace.jobs.models import Job
from marketplace.jobs.moves import (
    IllegalMove,
    LeaseLost,
    job_claim,
    job_leave_out,
    job_log,
    job_lose,
    job_move,
    job_requeue,
)
from marketplace.jobs.states import JobState
from marketplace.learners.services import ModelDeleted
from metalearn.algorithm import Algorithm, train
from metalearn.errors import BadModel, MetaLearnError
from worker import shutdown
from worker.lease import JobHeartbeat
from worker.liveness import worker_name
from worker.loading import build_algorithm
from worker.publishing import StoredLearner, store_learner
from worker.reporting import Previews, Progress
from worker.retry import (
    CLAIM_TIMEOUT_S,
    OutOfMemory,
    is_out_of_memory,
    is_transient,
    retry_transient,
)
from worker.schedule import Throttle
from worker.snapshots import Snapshots, StoredSnapshots

log = logging.getLogger(__name__)

_LEAST_MODELS = 2


class Outcome(Enum):
    FINISHED = auto()
    CANCELLED = auto()
    RELEASED = auto()


def run_job(
    job_id: str,
    *,
    build: Callable[[Job], Algorithm] = build_algorithm,
    snapshots: Snapshots | None = None,
) -> None:
    """Claim, resume, train and finish. A second delivery of the same message does nothing."""
    claim = retry_transient(job_claim, timeout_s=CLAIM_TIMEOUT_S)
    try:
        job = claim(job_id=job_id, worker=worker_name(os.getpid()))
    except IllegalMove as error:
        log.info("job %s cannot be claimed: %s", job_id, error)
        return
    snapshots = snapshots or StoredSnapshots()
    try:
        with JobHeartbeat(job) as heartbeat:
            algorithm, outcome = _train_on_good_models(job, build, snapshots, heartbeat.step_done)
            _end(job, algorithm, snapshots, outcome)
    except (LeaseLost, IllegalMove):
        log.warning("job %s has gone to another worker; this run writes no more", job_id)
    except (MetaLearnError, ModelDeleted) as error:
        _fail(job, str(error))
    except Exception as error:
        if is_out_of_memory(error):
            _lose_out_of_memory(job)
            # Celery's parent would take a child's MemoryError for its own, and exit.
            raise OutOfMemory(f"job {job_id}: {error}") from error
        if is_transient(error) and shutdown.requested():
            # This worker has no time to wait until the error is over. The next one has.
            _release(job)
        else:
            _fail(job, _reason(error))
        raise


def _train_on_good_models(
    job: Job,
    build: Callable[[Job], Algorithm],
    snapshots: Snapshots,
    step_done: Callable[[], None],
) -> tuple[Algorithm, Outcome]:
    """Train; after a model without finite numbers start over without it, if the operator allows."""
    while True:
        algorithm = retry_transient(build)(job)
        try:
            return algorithm, _train(job, algorithm, snapshots, step_done)
        except BadModel as error:
            if not settings.LEAVE_OUT_BAD_MODELS or len(algorithm.pool) <= _LEAST_MODELS:
                raise
            log.warning("job %s starts over without model %s of its pool", job.pk, error.place + 1)
            # First, so that no state of the larger pool is loaded if this process dies here.
            retry_transient(snapshots.discard)(job)
            reason = str(error).split(";")[0] + "."
            retry_transient(job_leave_out)(job=job, place=error.place, reason=reason)


def _train(
    job: Job, algorithm: Algorithm, snapshots: Snapshots, step_done: Callable[[], None]
) -> Outcome:
    _resume(job, algorithm, snapshots)
    progress, previews = Progress(job), Previews(job)
    snapshot_throttle = Throttle(settings.SNAPSHOT_EVERY_S)
    step_done()
    for report in train(algorithm):
        step_done()
        state = retry_transient(progress.record)(report)
        previews.put(report)
        cancelled, stops = state is JobState.CANCELLING, shutdown.requested()
        if cancelled or stops or snapshot_throttle.allow():
            # Only a successful report proves that this worker still holds the job.
            retry_transient(progress.flush)()
            _save(job, algorithm, snapshots)
        if cancelled or stops:
            return Outcome.CANCELLED if cancelled else Outcome.RELEASED
    return Outcome.FINISHED


def _resume(job: Job, algorithm: Algorithm, snapshots: Snapshots) -> None:
    state = retry_transient(snapshots.load)(job)
    if state and not algorithm.fits(state):
        # Starting over costs time. Continuing with a partial state would spoil the run.
        log.warning("the snapshot of job %s is of another release; it starts over", job.pk)
        state = None
    if state:
        algorithm.load_state_dict(state)
    if state or job.steps_done:
        # Steps that the last worker had reported but not saved.
        again = max(0, job.steps_done - algorithm.steps_done)
        text = f"Continues after step {algorithm.steps_done}; repeated steps: {again}."
        retry_transient(job_log)(job=job, text=text)
        return
    for notice in algorithm.notices():
        retry_transient(job_log)(job=job, text=notice)


def _save(job: Job, algorithm: Algorithm, snapshots: Snapshots) -> None:
    """Save a snapshot. A storage error may cost repeated steps, but never the run."""
    try:
        snapshots.save(job, algorithm.steps_done, algorithm.state_dict())
    except Exception as error:
        if not is_transient(error):
            raise
        log.exception("no snapshot of job %s after step %s", job.pk, algorithm.steps_done)


def _end(job: Job, algorithm: Algorithm, snapshots: Snapshots, outcome: Outcome) -> None:
    if outcome is Outcome.FINISHED:
        learner = retry_transient(store_learner)(job, algorithm)
        try:
            _move_finally(job, JobState.SUCCEEDED, lambda: _succeed(job, learner))
        except (IllegalMove, ModelDeleted):
            learner.remove()
            raise
        retry_transient(snapshots.delete)(job)
    elif outcome is Outcome.CANCELLED:
        _move_finally(job, JobState.CANCELLED, lambda: _cancel(job))
        Previews(job).remove()
    else:
        _move_finally(job, JobState.QUEUED, lambda: job_requeue(job=job))


def _move_finally(job: Job, to: JobState, move: Callable[[], None]) -> None:
    """Make this attempt's last transition. It counts even if its response was lost."""
    try:
        retry_transient(move)()
    except IllegalMove:
        moved = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=to)
        if not retry_transient(moved.exists)():
            raise


@transaction.atomic
def _succeed(job: Job, learner: StoredLearner) -> None:
    # The transition comes first: it locks the job until the learner's row is written as well.
    job_move(job=job, to=JobState.SUCCEEDED, eta_s=0.0, finished_at=timezone.now())
    learner.publish()
    job_log(job=job, text="Finished; the meta-learner is ready.")


@transaction.atomic
def _cancel(job: Job) -> None:
    job_move(job=job, to=JobState.CANCELLED, eta_s=None, finished_at=timezone.now())
    job_log(job=job, text="Cancelled; it can be resumed from here.")


def _lose_out_of_memory(job: Job) -> None:
    try:
        retry_transient(job_lose)(job=job, reason="The worker ran out of memory")
    except IllegalMove:
        log.warning("job %s ran out of memory here after it had gone to another worker", job.pk)


def _release(job: Job) -> None:
    try:
        retry_transient(job_requeue)(job=job)
    except IllegalMove:
        log.warning("job %s was taken or cancelled before this worker released it", job.pk)


def _fail(job: Job, reason: str) -> None:
    try:
        retry_transient(_write_failure)(job, reason)
    except IllegalMove:
        log.warning("job %s failed here after it had gone to another worker", job.pk)


@transaction.atomic
def _write_failure(job: Job, reason: str) -> None:
    job_move(job=job, to=JobState.FAILED, error=reason, eta_s=None, finished_at=timezone.now())
    job_log(job=job, text=f"Failed: {reason}")


def _reason(error: Exception) -> str:
    if is_transient(error):
        return "Database or storage did not answer for minutes; resume when your operator says so."
    return "Something went wrong on our side; your operator can find it in the worker's log."
