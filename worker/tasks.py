"""Celery tasks. Imports are local, so that a worker's parent process never loads torch."""

from marketplace.queue import Task, app


@app.task(name=str(Task.RUN_JOB))
def run_job(job_id: str) -> None:
    from worker.lease import is_stale

    if is_stale(job_id):
        return
    from worker.runner import run_job as run

    run(job_id)


@app.task(name=str(Task.VALIDATE_CHECKPOINT))
def validate_checkpoint(checkpoint_id: str) -> None:
    from worker.checkpoints import validate_checkpoint as validate

    validate(checkpoint_id)


@app.task(name=str(Task.ADAPT))
def adapt(session_id: str) -> None:
    from worker.sessions import answer_session

    answer_session(session_id)


@app.task(name=str(Task.KEEP_TIME))
def keep_time() -> None:
    from worker.clock import tick

    tick()


@app.task(name=str(Task.SHOW_PULSE))
def show_pulse() -> None:
    from worker.liveness import record_pulse

    record_pulse("gpu")
