"""How often a run reports, and what it says about the time left."""

from marketplace.jobs.models import MetricPoint
from marketplace.jobs.moves import job_claim
from metalearn.algorithm import StepReport
from worker.every import Every
from worker.progress import Progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_every_is_due_once_in_each_interval():
    clock = Clock()
    every = Every(10, clock=clock)
    answers = []
    for seconds in (5, 5, 5, 4, 1, 30):
        clock.now += seconds
        answers.append(every.due())
    assert answers == [False, True, False, False, True, True]


def test_reports_within_a_second_are_written_together(queued_job):
    job = job_claim(job_id=queued_job.pk, worker="here")
    clock = Clock()
    progress = Progress(job, clock=clock)
    written = []
    for step in range(1, 8):
        clock.now += 0.4
        progress.note(StepReport(step, 10, "training", {"loss": float(step)}))
        written.append(MetricPoint.objects.filter(job=job).count())
    assert written == [1, 1, 3, 3, 3, 6, 6]


def test_time_left_follows_the_recent_steps(queued_job):
    clock = Clock()
    progress = Progress(queued_job, clock=clock)
    progress._every.due = lambda: False  # nothing is written here
    for step in range(2, 5):
        clock.now += 3
        report = StepReport(step, 10, "training")
        progress.note(report)
    assert progress.eta_s(report) == 18


def test_long_curves_are_thinned(queued_job):
    job = job_claim(job_id=queued_job.pk, worker="here")
    clock = Clock()
    progress = Progress(job, clock=clock)
    total = 5000
    for step in range(1, total + 1):
        progress.note(StepReport(step, total, "training", {"loss": 1.0}))
    steps = list(MetricPoint.objects.filter(job=job).values_list("step", flat=True))
    assert 1000 <= len(steps) <= 1002
    assert {1, total} <= set(steps)
