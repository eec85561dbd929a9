"""The states of a job.

queued ----> running ----> succeeded
  |           |  |  `----> failed -----.
  |           |  `-------> queued      |   the worker died: the next one resumes
  |           v                        |
  |      cancelling ---> cancelled ----+--> queued   the owner resumes it
  `----------------------^
"""

from django.db import models


class JobState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    CANCELLING = "cancelling", "Cancelling"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


S = JobState
MOVES: dict[JobState, frozenset[JobState]] = {
    S.QUEUED: frozenset({S.RUNNING, S.CANCELLED}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.FAILED, S.CANCELLING, S.QUEUED}),
    # A cancellation may come too late.
    S.CANCELLING: frozenset({S.CANCELLED, S.SUCCEEDED, S.FAILED}),
    S.CANCELLED: frozenset({S.QUEUED}),
    S.FAILED: frozenset({S.QUEUED}),
    S.SUCCEEDED: frozenset(),
}
FINAL = frozenset({S.SUCCEEDED, S.FAILED, S.CANCELLED})
LEASED = frozenset({S.RUNNING, S.CANCELLING})


def sources_of(to: JobState) -> frozenset[JobState]:
    """Return the states from which `to` can be reached in one transition."""
    return frozenset(source for source, targets in MOVES.items() if to in targets)
