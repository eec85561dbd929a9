from django.db import models

from marketplace.accounts.models import Owned
from marketplace.jobs.states import FINAL, JobState
from marketplace.pools.models import Pool


class Job(Owned):
    """A run of an algorithm on a pool. The row is authoritative; messages only wake a worker."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="jobs")
    algorithm = models.CharField(max_length=60)
    title = models.CharField(
        max_length=160, blank=True, help_text="what runs, as it was called at the launch"
    )
    settings = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    version = models.CharField(max_length=40)
    previews = models.BooleanField(default=False)

    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    stage = models.CharField(max_length=60, blank=True)
    steps_done = models.PositiveIntegerField(default=0)
    total_steps = models.PositiveIntegerField(default=0)
    eta_s = models.FloatField(null=True)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # The fence: a worker writes only under the attempt that it claimed.
    attempt = models.PositiveIntegerField(default=0)
    lost_attempts = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    left_out = models.JSONField(
        default=list, help_text="places in the pool of models that the run continues without"
    )
    # Decrypts the snapshots. Deleted when the job has finally ended.
    snapshot_secret = models.CharField(max_length=64, blank=True)

    idempotency_key = models.CharField(max_length=120, blank=True)
    request_digest = models.CharField(max_length=64, blank=True)

    class Meta(Owned.Meta):
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="job_of_owner"),
            models.Index(fields=["state", "woken_at"], name="job_waiting"),
        ]
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="job_once_per_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} on {self.pool}"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def percent(self) -> int:
        """Progress from 0 to 100."""
        return 100 * self.steps_done // self.total_steps if self.total_steps else 0


class MetricPoint(models.Model):
    """A point of a curve. A curve has at most about a thousand."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=60)
    step = models.PositiveIntegerField()
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "name", "step"], name="metric_once_per_step")
        ]


class JobEvent(models.Model):
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    text = models.CharField(max_length=500)

    class Meta:
        ordering = ["id"]
