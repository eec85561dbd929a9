"""The demo: what a person would do by hand, once, with nothing half done in between."""

import json
import stat
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from marketplace.accounts.models import User, Visibility
from marketplace.algorithms.services import catalogue_publish
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import DomainError
from marketplace.demo import services
from marketplace.demo.services import demo_load, demo_person, sign_in_file
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool
from metalearn.registry import catalogue as real_catalogue


def validate() -> None:
    """As a quick worker does."""
    for row in Checkpoint.objects.filter(state=CheckpointState.UPLOADED):
        row.state, row.validated_at = CheckpointState.VALID, timezone.now()
        row.architecture, row.n_classes = "conv4", len(row.class_names)
        row.save()


def publish() -> None:
    """As a quick worker does when it starts, with the settings that the algorithms really have."""
    catalogue_publish(algorithms=real_catalogue(), architectures=[], version="1")


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., None]]:
    """What happens while the demo waits, one after the other; then nothing, and time runs out."""
    waiting, now = [validate, publish], [0.0]

    def sleep(_: float) -> None:
        now[0] += 1 if waiting else services._WAIT_S
        if waiting:
            waiting.pop(0)()

    monkeypatch.setattr(services.time, "sleep", sleep)
    monkeypatch.setattr(services.time, "monotonic", lambda: now[0])
    return waiting


def test_it_makes_a_person_models_a_public_pool_and_a_job(
    db: None, workers: list[Callable[..., None]]
) -> None:
    job = demo_load()
    assert (job.state, job.algorithm, job.owner.username) == (JobState.QUEUED, "free_plus", "demo")
    assert (job.pool.visibility, job.pool.checkpoints.count()) == (Visibility.PUBLIC, 12)
    chosen = json.loads((services._FOLDER / "free_plus_settings.json").read_text())
    assert chosen.items() <= job.settings.items()
    model = Checkpoint.objects.first()
    assert model.consent_recovery and model.consent_preview
    assert "of the held-out pictures right" in model.description


def test_a_second_time_nothing_is_made_again(db: None, workers: list[Callable[..., None]]) -> None:
    first = demo_load()
    assert demo_load() == first
    counts = [kind.objects.count() for kind in (User, Checkpoint, Pool, Job)]
    assert counts == [1, 12, 1, 1]


def test_what_was_interrupted_is_finished(db: None, workers: list[Callable[..., None]]) -> None:
    waiting = list(workers)
    workers.clear()
    with pytest.raises(DomainError, match="No worker validated"):
        demo_load()
    workers.extend(waiting)
    assert demo_load().pool.checkpoints.count() == 12
    assert Checkpoint.objects.count() == 12


def test_without_a_published_algorithm_it_says_what_is_missing(
    db: None, workers: list[Callable[..., None]]
) -> None:
    workers.remove(publish)
    with pytest.raises(DomainError, match="No worker published the algorithm “free_plus”"):
        demo_load()
    assert not Job.objects.exists()


def test_a_model_that_is_rejected_ends_it_with_the_reason(
    db: None, workers: list[Callable[..., None]]
) -> None:
    def reject() -> None:
        Checkpoint.objects.update(state=CheckpointState.REJECTED, reason="It is damaged.")

    workers[0] = reject
    with pytest.raises(DomainError, match="was rejected: It is damaged"):
        demo_load()


def test_the_password_is_in_a_file_that_only_the_operator_reads(db: None) -> None:
    person = demo_person()
    path = sign_in_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert person.check_password(path.read_text())
    password = path.read_text()
    assert demo_person() == person
    assert path.read_text() == password


def test_the_command_says_which_job_it_is(db: None, workers: list[Callable[..., None]]) -> None:
    out = StringIO()
    call_command("demo", stdout=out)
    assert out.getvalue().strip() == f"The demo job is {Job.objects.get().pk}, queued."
