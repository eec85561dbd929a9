"""`/metrics`: who may read it, and what it says."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.adaptation.answer_keys import AnswerKey
from marketplace.adaptation.models import AdaptationSession
from marketplace.adaptation.sessions import session_answer, session_forget
from marketplace.adaptation.states import SessionState
from marketplace.core.models import WorkerPulse
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner

pytestmark = pytest.mark.django_db


def numbers(**headers: Any) -> dict[tuple[Any, ...], float]:
    """Every sample: {(name, labels): value}."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_with_a_token_set_only_who_has_it_may_read(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "metrics-secret"
    assert client.get("/metrics").status_code == 404
    wrong = {"authorization": "Bearer wrong"}
    assert client.get("/metrics", headers=wrong).status_code == 404
    assert numbers(authorization="Bearer metrics-secret")


def test_without_one_only_this_machine_may_and_not_through_a_proxy(
    client: Client, settings: Settings
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    forwarded = {"x-forwarded-for": "192.0.2.1"}
    assert client.get("/metrics", headers=forwarded).status_code == 404
    settings.BEHIND_PROXY = True
    assert client.get("/metrics").status_code == 404


def test_jobs_are_counted_by_state_and_every_state_has_a_number(job: Job) -> None:
    found = numbers()
    assert found["freehold_jobs", "queued"] == 1
    assert {key[1] for key in found if key[0] == "freehold_jobs"} == set(JobState.values)
    assert found["freehold_jobs", "failed"] == 0
    Job.objects.update(created_at=timezone.now() - timedelta(seconds=90))
    assert numbers()["freehold_job_longest_wait_seconds",] >= 90


def test_durations_and_lost_attempts_come_from_the_rows(job: Job) -> None:
    now = timezone.now()
    Job.objects.update(
        state=JobState.SUCCEEDED,
        started_at=now - timedelta(seconds=100),
        finished_at=now,
        lost_attempts=2,
    )
    found = numbers()
    name = "freehold_job_duration_seconds"
    assert found[f"{name}_sum", "succeeded"] == pytest.approx(100)
    assert found[f"{name}_bucket", "60.0", "succeeded"] == 0
    assert found[f"{name}_bucket", "300.0", "succeeded"] == 1
    assert found[f"{name}_bucket", "+Inf", "succeeded"] == 1
    assert found["freehold_job_lost_attempts_total",] == 2


def test_workers_are_counted_by_queue_and_the_silence_of_the_last_is_told() -> None:
    for name, queue, age in (("a", "gpu", 5), ("b", "gpu", 300), ("c", "quick", 90)):
        at = timezone.now() - timedelta(seconds=age)
        WorkerPulse.objects.create(name=name, queue=queue, at=at)
    found = numbers()
    assert (found["freehold_workers", "gpu"], found["freehold_workers", "quick"]) == (1, 0)
    assert found["freehold_worker_silent_seconds", "gpu"] == pytest.approx(5, abs=2)
    assert found["freehold_worker_silent_seconds", "quick"] == pytest.approx(90, abs=2)


def test_requests_uploads_and_adaptations_are_counted(
    client: Client, make_checkpoint: Callable[..., Any], learner: MetaLearner, alice: User
) -> None:
    def counts() -> list[float]:
        found = numbers()
        keys = (
            ("freehold_http_requests_total", "200", "GET", "healthz"),
            ("freehold_uploaded_bytes_total", "checkpoint"),
            ("freehold_adaptations_total", "answered"),
            ("freehold_adaptation_seconds_count",),
        )
        return [found.get(key, 0) for key in keys]

    before = counts()
    client.get("/healthz")
    make_checkpoint("another", content=b"x" * 50)
    key = AnswerKey().public
    row = AdaptationSession.objects.create(learner=learner, user=alice, answer_key=key)
    session_answer(session=row, state=SessionState.ANSWERED, answer={})
    session_forget(session_id=row.pk)
    assert [after - old for after, old in zip(counts(), before, strict=True)] == [1, 50, 1, 1]


@pytest.mark.parametrize(("code", "writes"), [("", False), ("import marketplace.wsgi", True)])
def test_only_a_process_that_serves_writes_files_of_numbers(
    tmp_path: Path, code: str, writes: bool
) -> None:
    environment = {**os.environ, "FREEHOLD_DATA_DIR": str(tmp_path)}
    for name in ("PROMETHEUS_MULTIPROC_DIR", "DATABASE_URL"):
        environment.pop(name, None)
    environment["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    subprocess.run(
        [sys.executable, "-c", f"{code or 'import django; django.setup()'}"],
        cwd=Path(__file__).resolve().parents[3],
        env=environment,
        check=True,
    )
    assert bool(list((tmp_path / "metrics").glob("*.db"))) is writes
