"""What a dashboard shows of a job, only what is new to it."""

from datetime import timedelta

from django.utils import timezone

from marketplace.jobs.live import job_live
from marketplace.jobs.models import Job, JobEvent, MetricPoint


def test_only_later_points_and_lines_are_sent(job: Job) -> None:
    JobEvent.objects.filter(job=job).delete()
    for step in (1, 2, 3):
        MetricPoint.objects.create(job=job, name="loss", step=step, value=step / 2)
    first, second = (job.events.create(text=text) for text in ("one", "two"))
    shown = job_live(job, since=2, event=first.pk)
    assert shown["curves"] == {"loss": [[3, 1.5]]}
    assert [(line["id"], line["text"]) for line in shown["events"]] == [(second.pk, "two")]


def test_the_state_is_told_with_its_name_and_progress(job: Job) -> None:
    job.state, job.steps_done, job.total_steps = "running", 1, 4
    shown = job_live(job, since=0, event=0)
    assert (shown["state"], shown["percent"], shown["final"]) == ("running", 25, False)
    assert shown["state_title"] == job.get_state_display()


def test_the_time_runs_from_the_first_start_to_the_end(job: Job) -> None:
    assert job_live(job, since=0, event=0)["elapsed_s"] in (None, 0)
    job.started_at = timezone.now() - timedelta(seconds=90)
    assert 89 <= job_live(job, since=0, event=0)["elapsed_s"] <= 95
    job.finished_at = job.started_at + timedelta(seconds=30)
    assert job_live(job, since=0, event=0)["elapsed_s"] == 30
