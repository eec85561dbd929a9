"""Dashboard updates of a job as plain data."""

from typing import Any

from django.utils import timezone

from marketplace.jobs.models import Job
from marketplace.jobs.selectors import job_curves, job_events


def job_live(job: Job, *, since: int, event: int) -> dict[str, Any]:
    """Return state, progress, points above step `since` and log lines above id `event`."""
    return {
        "state": job.state,
        "state_title": job.get_state_display(),
        "final": job.is_final,
        "stage": job.stage,
        "steps_done": job.steps_done,
        "total_steps": job.total_steps,
        "percent": job.percent,
        "eta_s": job.eta_s,
        "elapsed_s": _elapsed_s(job),
        "attempt": job.attempt,
        "worker": job.worker,
        "error": job.error,
        "curves": job_curves(job, since=since),
        "events": [
            {"id": line.pk, "at": line.at.isoformat(), "text": line.text}
            for line in job_events(job, since=event)
        ],
    }


def _elapsed_s(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()
