"""What a job will need: refused where the worker has too little, else told on its page."""

from django.conf import settings

from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_log
from metalearn.planning.fitting import Allowance, check_memory
from metalearn.planning.forecast import Plan


def allowed_plan(plan: Plan) -> Plan:
    """The same plan; InvalidSetting where it needs more memory than the operator allows."""
    allowed = Allowance(
        settings.WORKER_MEMORY_MB, "FREEHOLD_WORKER_MEMORY_MB", "FREEHOLD_WORKER_POOL_MB"
    )
    check_memory(plan, allowed)
    return plan


def announce(job: Job, plan: Plan) -> None:
    """Write into the job's log what it will need on this worker."""
    job_log(job=job, text=plan.forecast().line(snapshots=True))
