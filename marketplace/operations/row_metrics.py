"""Prometheus metrics from rows, which survive restarts. Workers need not be scraped."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.states import SessionState
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.models import WorkerPulse
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState

DURATION_BUCKETS_S = (10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 48 * 3600)


class RowMetrics(Collector):
    """Queries the database once for each family."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("freehold", "The release.", {"version": settings.VERSION})
        now = timezone.now()
        yield _by_state("freehold_jobs", "Jobs by state.", Job, JobState)
        yield _waiting(now)
        yield _lost_attempts()
        yield _durations()
        yield _by_state("freehold_checkpoints", "Models by state.", Checkpoint, CheckpointState)
        yield _by_state(
            "freehold_adaptation_sessions",
            "Adaptations and checks with pictures now.",
            AdaptationSession,
            SessionState,
        )
        yield _stored_bytes()
        yield from _workers(now)


def _by_state(name: str, help_: str, model: type, states: type) -> Metric:
    """Include states without rows, because a missing series cannot be monitored."""
    family = GaugeMetricFamily(name, help_, labels=["state"])
    rows = model.objects.order_by().values_list("state").annotate(n=Count("pk"))  # type: ignore[attr-defined]
    counted = dict(rows)
    for state in states.values:  # type: ignore[attr-defined]
        family.add_metric([state], counted.get(state, 0))
    return family


def _waiting(now: datetime) -> Metric:
    oldest = Job.objects.filter(state=JobState.QUEUED).aggregate(at=Min("created_at"))["at"]
    seconds = (now - oldest).total_seconds() if oldest else 0.0
    return GaugeMetricFamily(
        "freehold_job_longest_wait_seconds", "Age of the oldest queued job.", seconds
    )


def _lost_attempts() -> Metric:
    total = Job.objects.aggregate(n=Coalesce(Sum("lost_attempts"), 0))["n"]
    return CounterMetricFamily(
        "freehold_job_lost_attempts", "Attempts lost because a worker died.", total
    )


def _durations() -> Metric:
    family = HistogramMetricFamily(
        "freehold_job_duration_seconds", "From a job's first start to its end.", labels=["state"]
    )
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    within = {
        f"within_{bound}": Count("pk", filter=Q(took__lte=timedelta(seconds=bound)))
        for bound in DURATION_BUCKETS_S
    }
    ended = Job.objects.filter(finished_at__isnull=False, started_at__isnull=False).order_by()
    groups = ended.annotate(took=took).values("state")
    rows: Iterable[Mapping[str, Any]] = groups.annotate(n=Count("pk"), total=Sum("took"), **within)
    for row in rows:
        buckets = [(str(float(bound)), row[f"within_{bound}"]) for bound in DURATION_BUCKETS_S]
        total = row["total"].total_seconds()
        family.add_metric([row["state"]], [*buckets, ("+Inf", row["n"])], total)
    return family


def _stored_bytes() -> Metric:
    family = GaugeMetricFamily("freehold_stored_bytes", "Bytes of valid models.", labels=["kind"])
    total = Checkpoint.objects.aggregate(n=Coalesce(Sum("size_bytes"), 0))["n"]
    family.add_metric(["checkpoint"], total)
    return family


def _workers(now: datetime) -> Iterator[Metric]:
    alive = GaugeMetricFamily(
        "freehold_workers",
        "Workers with a sign of life within a minute.",
        labels=["queue"],
    )
    silent = GaugeMetricFamily(
        "freehold_worker_silent_seconds",
        "Time since the last sign of life of a worker, by queue.",
        labels=["queue"],
    )
    pulses = list(WorkerPulse.objects.values_list("queue", "at"))
    for queue in ("gpu", "quick"):
        ages = [(now - at).total_seconds() for name, at in pulses if name == queue]
        alive.add_metric([queue], sum(age < 60 for age in ages))
        if ages:
            silent.add_metric([queue], max(0.0, min(ages)))
    yield alive
    yield silent
