"""What ran under a job: its title, and what becomes of jobs of releases that had none."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from marketplace.algorithms.services import catalogue_publish
from marketplace.jobs.models import Job
from tests.marketplace.conftest import ALGORITHM, WITH_PRESETS

EARLIER = {"outer_steps": 20, "distillation_head": "own", "distillation": "kl", "remembered": "all"}


@pytest.fixture
def earlier(launch: Callable[..., Job]) -> Callable[..., Job]:
    """A job as an earlier release left it."""

    def make(algorithm: str = "free", settings: dict[str, Any] = EARLIER) -> Job:
        job = launch()
        Job.objects.filter(pk=job.pk).update(algorithm=algorithm, settings=settings, title="")
        import_module("marketplace.jobs.migrations.0003_what_ran").name_what_ran(apps, None)
        job.refresh_from_db()
        return job

    return make


def test_a_title_stays_when_a_later_release_means_something_else_by_the_preset(
    launch: Callable[..., Job],
) -> None:
    catalogue_publish(algorithms=[WITH_PRESETS], architectures=[], version="1")
    job = launch(settings={"preset": "published"})
    catalogue_publish(algorithms=[{**ALGORITHM, "title": "Other"}], architectures=[], version="2")
    job.refresh_from_db()
    assert job.title == "FREE (published)"


def test_what_earlier_releases_called_free_is_free_plus(earlier: Callable[..., Job]) -> None:
    job = earlier()
    assert (job.algorithm, job.title) == ("free_plus", "FREE+")
    assert job.settings == {"outer_steps": 20, "distillation_head": "own"}


def test_with_the_released_codes_losses_it_was_neither_and_keeps_its_record(
    earlier: Callable[..., Job],
) -> None:
    settings = EARLIER | {"distillation": "as_released"}
    job = earlier(settings=settings)
    assert (job.algorithm, job.title) == ("free", "FREE of an earlier release")
    assert job.settings == settings


def test_another_algorithms_job_has_its_title_or_its_name_where_no_worker_publishes_it(
    earlier: Callable[..., Job],
) -> None:
    catalogue_publish(
        algorithms=[ALGORITHM, {**ALGORITHM, "name": "dro", "title": "DRO"}],
        architectures=[],
        version="1",
    )
    assert earlier(algorithm="dro").title == "DRO"
    assert earlier(algorithm="forgotten").title == "forgotten"
