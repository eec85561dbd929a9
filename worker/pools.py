"""From a job's rows to an algorithm on tensors."""

import dataclasses
from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace import storage
from marketplace.accounts.models import Visibility
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job
from marketplace.jobs.quarantine import TAKEN_OUT
from marketplace.pools.selectors import pool_checkpoints
from metalearn.algorithm import Algorithm
from metalearn.checkpoint import Declaration, read_checkpoint
from metalearn.errors import InvalidPool
from metalearn.planning.forecast import Plan
from metalearn.pool import Pool, Teacher
from metalearn.pool.network_cache import NetworkCache
from metalearn.registry import algorithm_named
from metalearn.settings import build
from worker.devices import pick_device, set_up_cpu
from worker.forecasts import allowed_plan, announce
from worker.own_pictures import give_pictures, pictures_folder


def build_algorithm(job: Job) -> Algorithm:
    """The job's algorithm on the job's pool, at its first step."""
    set_up_cpu(settings.WORKER_THREADS)
    device = pick_device(settings.WORKER_DEVICE)
    rows = enumerate(pool_checkpoints(job.pool), start=1)
    cache = NetworkCache(settings.WORKER_POOL_MB * 2**20, Path(settings.FILE_UPLOAD_TEMP_DIR))
    pool = Pool(tuple(_in_files(job, number, row).cached_in(cache) for number, row in rows))
    kind = algorithm_named(job.algorithm)
    config: Any = build(kind.Config, job.settings)
    folder = pictures_folder(config)
    plan = allowed_plan(Plan.of(kind, pool, config, device))
    if not job.steps_done:
        announce(job, plan)
    algorithm = kind(pool, config, device=device, seed=job.seed)
    if folder is not None:
        give_pictures(job, algorithm, folder)
    return algorithm


def _in_files(job: Job, number: int, row: Checkpoint) -> Teacher:
    """The teacher as a run may speak of it: its messages and files go where the model does not.

    Whoever runs the job decides who gets the files, and so who learns the names of their own.
    """
    teacher = load_teacher(row)
    if row.visibility == Visibility.PUBLIC or row.owner_id == job.owner_id:
        return teacher
    return dataclasses.replace(teacher, name=f"model {number} of the pool", owner="")


def load_teacher(row: Checkpoint) -> Teacher:
    """The validated checkpoint of a row, with what its card says.

    Raises InvalidPool for one in quarantine, whoever has queued the job and whenever.
    """
    if row.is_quarantined:
        raise InvalidPool(TAKEN_OUT)
    declared = Declaration(
        name=row.name,
        architecture=row.architecture,
        class_names=tuple(row.class_names),
        image_size=row.image_size,
        channels=row.channels,
        mean=tuple(row.mean),
        std=tuple(row.std),
    )
    with storage.local_copy(row.stored_key) as path:
        teacher = read_checkpoint(path, declared)
    return dataclasses.replace(
        teacher,
        owner=row.owner.get_username(),
        sha256=row.sha256,
        licence=row.licence,
        consent_recovery=row.consent_recovery,
        consent_preview=row.consent_preview,
    )
