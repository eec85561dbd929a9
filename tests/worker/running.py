"""A run of the toy, and something that happens in the middle of it."""

from collections.abc import Callable
from typing import Any

from marketplace.jobs.models import Job
from metalearn.algorithm import StepReport
from tests.worker.toy import Toy, build_toy
from worker import runner


class After:
    """A toy that lets something happen after a step, as if from outside."""

    def __init__(self, step: int, happening: Callable[..., Any], **settings: Any) -> None:
        self.step, self.happening, self.settings = step, happening, settings
        self.algorithm: Toy | None = None

    def __call__(self, job: Job) -> Toy:
        toy = self.algorithm = build_toy(**self.settings)
        take_step = toy.step

        def step() -> StepReport:
            report = take_step()
            if report.step == self.step:
                self.happening(job)
            return report

        toy.step = step  # type: ignore[method-assign]
        return toy


def run(job: Job, build: After | Callable[..., Any] = lambda job: build_toy()) -> Job:
    runner.run_job(str(job.pk), build=build)
    job.refresh_from_db()
    return job
