from marketplace.accounts.selectors import Person
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState


def _owns(user: Person, job: Job) -> bool:
    return bool(user.is_authenticated and job.owner_id == user.pk)


def can_cancel_job(user: Person, job: Job) -> bool:
    return _owns(user, job) and job.state in {JobState.QUEUED, JobState.RUNNING}


def can_resume_job(user: Person, job: Job) -> bool:
    return _owns(user, job) and job.state in {JobState.CANCELLED, JobState.FAILED}
