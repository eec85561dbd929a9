"""From a job's rows to an algorithm on tensors."""

import dataclasses

from django.conf import settings

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job
from marketplace.pools.selectors import pool_checkpoints
from metalearn.algorithm import Algorithm
from metalearn.checkpoint import Declaration, read_checkpoint
from metalearn.errors import InvalidPool
from metalearn.pool import Pool, Teacher
from metalearn.registry import make_algorithm
from worker.devices import pick_device, set_up_cpu


def build_algorithm(job: Job) -> Algorithm:
    """The job's algorithm on the job's pool, at its first step."""
    set_up_cpu(settings.WORKER_THREADS)
    device = pick_device(settings.WORKER_DEVICE)
    pool = Pool(tuple(load_teacher(row) for row in pool_checkpoints(job.pool)))
    return make_algorithm(job.algorithm, pool, job.settings, device=device, seed=job.seed)


def load_teacher(row: Checkpoint) -> Teacher:
    """The validated checkpoint of a row, with what its card says.

    Raises InvalidPool for one in quarantine, whoever has queued the job and whenever.
    """
    if row.is_quarantined:
        raise InvalidPool(f"The model “{row.name}” is in quarantine: {row.quarantine_reason}")
    declared = Declaration(
        name=row.name,
        architecture=row.architecture,
        class_names=tuple(row.class_names),
        image_size=row.image_size,
        channels=row.channels,
        mean=tuple(row.mean),
        std=tuple(row.std),
    )
    with storage.local_copy(storage.checkpoint_key(row.pk)) as path:
        teacher = read_checkpoint(path, declared)
    return dataclasses.replace(
        teacher,
        owner=row.owner.get_username(),
        sha256=row.sha256,
        licence=row.licence,
        consent_recovery=row.consent_recovery,
        consent_preview=row.consent_preview,
    )
