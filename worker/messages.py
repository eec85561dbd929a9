"""Which messages are worth loading torch for. Imports none itself."""

import logging

from django.db import Error

from marketplace.jobs.selectors import job_waits

log = logging.getLogger(__name__)


def is_stale(job_id: str) -> bool:
    """Whether the job needs no worker any more.

    The clock reminds of a waiting job again and again, so there may be many such messages.
    """
    try:
        return not job_waits(job_id)
    except Error:
        log.warning("the database does not say whether job %s waits; its run will", job_id)
        return False
