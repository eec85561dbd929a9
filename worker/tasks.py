"""One function for every Task of `marketplace.queue`: ids in, the code below does the work.

Imports are inside, so that a worker's parent process never loads torch.
"""

from marketplace.queue import Task, app


@app.task(name=str(Task.RUN_JOB))
def run_job(job_id: str) -> None:
    """Run a job, or go on with it."""
    from worker.messages import is_stale

    if is_stale(job_id):
        return
    from worker.runner import run_job as run

    run(job_id)


@app.task(name=str(Task.VALIDATE_CHECKPOINT))
def validate_checkpoint(checkpoint_id: str) -> None:
    """Read an upload and say whether it is a checkpoint."""
    from worker.checkpoints import validate_checkpoint as validate

    validate(checkpoint_id)


@app.task(name=str(Task.ADAPT))
def adapt(session_id: str) -> None:
    """Answer one request with pictures: an adaptation, or a check of a model."""
    from worker.sessions import answer_session

    answer_session(session_id)


@app.task(name=str(Task.KEEP_TIME))
def keep_time() -> None:
    """Take silent work back, wake workers for waiting work."""
    from worker.clock import tick

    tick()


@app.task(name=str(Task.SHOW_PULSE))
def show_pulse() -> None:
    """Show that the workers of the gpu queue consume."""
    from worker.clock import show_pulse as show

    show("gpu")
