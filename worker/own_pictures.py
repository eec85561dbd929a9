"""The operator's own pictures, which a job may learn from and which are never shown."""

from pathlib import Path

from django.conf import settings

from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_log
from metalearn.algorithm import Algorithm
from metalearn.errors import InvalidData, InvalidSetting


def pictures_folder(config: object) -> Path | None:
    """The mounted folder, where the settings ask for it; InvalidSetting where there is none."""
    if not getattr(config, "own_pictures", False):
        return None
    if not settings.WORKER_PICTURES:
        raise InvalidSetting(
            "This worker has no folder of pictures; set own_pictures to false, or ask your "
            "operator to mount one and to name it in FREEHOLD_WORKER_PICTURES."
        )
    return Path(settings.WORKER_PICTURES)


def give_pictures(job: Job, algorithm: Algorithm, folder: Path) -> None:
    """Let the algorithm read them; the log says how many, and neither their names nor a path."""
    try:
        notices = algorithm.take_pictures(folder)
    except InvalidData:
        raise InvalidSetting(
            "The worker's folder of pictures has none that can be read; set own_pictures to false, "
            "or ask your operator to add JPEG, PNG or WebP files."
        ) from None
    if not job.steps_done:
        for notice in notices:
            job_log(job=job, text=notice)
