"""The Celery tasks, one for each Task of `marketplace.queue`: an id in, one function called.

Imports are inside, so that a worker's parent process never loads torch.
"""

from marketplace.queue import Task, app


@app.task(name=str(Task.RUN_JOB))
def run_job(job_id: str) -> None:
    """Run a job, or resume it."""
    from worker.lease import is_stale

    if is_stale(job_id):
        return
    from worker.runner import run_job as run

    run(job_id)


@app.task(name=str(Task.VALIDATE_CHECKPOINT))
def validate_checkpoint(checkpoint_id: str) -> None:
    """Validate an uploaded checkpoint, or a change of one."""
    from worker.checkpoints import validate_checkpoint as validate

    validate(checkpoint_id)


@app.task(name=str(Task.ADAPT))
def adapt(session_id: str) -> None:
    """Answer a request with pictures: an adaptation, or a check of a model."""
    from worker.sessions import answer_session

    answer_session(session_id)


@app.task(name=str(Task.KEEP_TIME))
def keep_time() -> None:
    """Take back work of silent workers and send messages for waiting work."""
    from worker.clock import tick

    tick()


@app.task(name=str(Task.SHOW_PULSE))
def show_pulse() -> None:
    """Record that the workers of the gpu queue consume."""
    from worker.liveness import record_pulse

    record_pulse("gpu")
