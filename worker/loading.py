"""Loads rows: a checkpoint as a teacher, a job as an algorithm."""

import dataclasses
from pathlib import Path
from typing import Any

from django.conf import settings

from contract.declared import DECLARED, DeclaredFile
from marketplace import storage
from marketplace.accounts.models import Visibility
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.consent import DELETED, WITHDRAWN
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_log
from marketplace.jobs.quarantine import TAKEN_OUT
from marketplace.pools.selectors import pool_checkpoints
from metalearn.algorithm import Algorithm
from metalearn.checkpoint import read_checkpoint
from metalearn.errors import InvalidData, InvalidPool, InvalidSetting
from metalearn.planning.fitting import Allowance, check_memory
from metalearn.planning.forecast import Plan
from metalearn.pool import Pool, Teacher
from metalearn.pool.network_cache import NetworkCache
from metalearn.registry import algorithm_named
from metalearn.settings import build
from worker.devices import pick_device, set_up_cpu


def build_algorithm(job: Job) -> Algorithm:
    """Build the job's algorithm. Raise InvalidSetting without enough memory or pictures."""
    set_up_cpu(settings.WORKER_THREADS)
    device = pick_device(settings.WORKER_DEVICE)
    rows = pool_checkpoints(job.pool)
    cache = NetworkCache(settings.WORKER_POOL_MB * 2**20, Path(settings.FILE_UPLOAD_TEMP_DIR))
    kept = [(place, row) for place, row in enumerate(rows) if place not in job.left_out]
    teachers = [_pool_teacher(job, place + 1, row).cached_in(cache) for place, row in kept]
    pool = Pool(tuple(teachers), tuple(place for place, _ in kept))
    kind = algorithm_named(job.algorithm)
    config: Any = build(kind.Config, job.settings)
    folder = _pictures_folder(config)
    plan = Plan.of(kind, pool, config, device)
    _check_memory(plan)
    if not job.steps_done:
        job_log(job=job, text=plan.forecast().line(snapshots=True))
    algorithm = kind(pool, config, device=device, seed=job.seed)
    if folder is not None:
        _add_pictures(job, algorithm, folder)
    return algorithm


def load_teacher(row: Checkpoint) -> Teacher:
    """Load a checkpoint as a teacher. Raise InvalidPool if it is in quarantine."""
    if row.is_quarantined:
        raise InvalidPool(TAKEN_OUT)
    facts = {name: getattr(row, name) for name in DECLARED if name != "weights"}
    declared = DeclaredFile(name=row.name, **facts)
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


def _pool_teacher(job: Job, number: int, row: Checkpoint) -> Teacher:
    """Return the teacher of a row, without names that the job's owner must not pass on.

    The run's messages and files may be shared more widely than the model, as the job's owner
    decides. They therefore name only public models and the owner's own. Raise InvalidPool
    if the owner withdrew the consent or deleted the model, also after the job was queued.
    """
    if row.is_deleted:
        raise InvalidPool(DELETED)
    if not row.consent_recovery:
        raise InvalidPool(WITHDRAWN)
    teacher = load_teacher(row)
    if row.visibility == Visibility.PUBLIC or row.owner_id == job.owner_id:
        return teacher
    return dataclasses.replace(teacher, name=f"model {number} of the pool", owner="")


def _check_memory(plan: Plan) -> None:
    allowed = Allowance(
        settings.WORKER_MEMORY_MB, "FREEHOLD_WORKER_MEMORY_MB", "FREEHOLD_WORKER_POOL_MB"
    )
    check_memory(plan, allowed)


def _pictures_folder(config: object) -> Path | None:
    """Return the operator's folder if the settings need it. Raise InvalidSetting without one."""
    if not getattr(config, "own_pictures", False):
        return None
    if not settings.WORKER_PICTURES:
        raise InvalidSetting(
            "This worker has no folder of pictures; set own_pictures to false, or ask your "
            "operator to mount one and to name it in FREEHOLD_WORKER_PICTURES."
        )
    return Path(settings.WORKER_PICTURES)


def _add_pictures(job: Job, algorithm: Algorithm, folder: Path) -> None:
    """Add the operator's pictures and log their number, but never their names or the folder."""
    try:
        notices = algorithm.take_pictures(folder)
    except InvalidData:
        raise InvalidSetting(
            "No file in the worker's folder of pictures can be read; set own_pictures to false, "
            "or ask your operator to add JPEG, PNG or WebP files."
        ) from None
    if not job.steps_done:
        for notice in notices:
            job_log(job=job, text=notice)
