"""Launch, cancel, resume."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from marketplace.accounts.models import Team, User, Visibility
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict, DomainError
from marketplace.core.idempotency import rows_made_before
from marketplace.jobs import services
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim, job_lose, job_move, job_requeue
from marketplace.jobs.selectors import job_events
from marketplace.jobs.services import (
    MAX_SEED,
    MAX_UNFINISHED_PER_PERSON,
    job_cancel,
    job_launch,
    job_resume,
)
from marketplace.jobs.states import FINAL, JobState
from marketplace.pools.models import Pool

S = JobState


def test_a_launch_freezes_the_pool_and_wakes_a_worker_after_the_commit(
    launch: Callable[..., Job],
    pool: Pool,
    sent: list[Any],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        job = launch(seed=7)
    assert sent == [] and len(callbacks) == 1
    callbacks[0]()
    assert sent == [("worker.run_job", {"job_id": str(job.pk)})]
    pool.refresh_from_db()
    assert pool.is_frozen
    assert (job.state, job.seed, job.version, job.attempt) == (S.QUEUED, 7, "1.0", 0)
    assert len(job.snapshot_secret) == 64
    assert job_events(job).count() == 1


def test_every_job_has_a_snapshot_secret_of_its_own(launch: Callable[..., Job]) -> None:
    assert launch().snapshot_secret != launch().snapshot_secret


def test_a_job_is_shared_like_ones_own_pool_and_private_on_anothers(
    launch: Callable[..., Job], make_pool: Callable[..., Any], team: Team, charlie: User
) -> None:
    mine = make_pool("mine", visibility=Visibility.TEAM, team=team)
    job = launch(pool=mine)
    assert (job.visibility, job.team) == (Visibility.TEAM, team)
    Checkpoint.objects.update(visibility=Visibility.PUBLIC)
    open_pool = make_pool("open", visibility=Visibility.PUBLIC)
    Checkpoint.objects.update(visibility=Visibility.PUBLIC)
    theirs = launch(owner=charlie, pool=open_pool)
    assert (theirs.owner, theirs.visibility) == (charlie, Visibility.PRIVATE)


def test_previews_need_the_consent_of_every_owner(
    launch: Callable[..., Job], make_pool: Callable[..., Any], make_checkpoint: Callable[..., Any]
) -> None:
    yes = make_checkpoint("yes", consent_preview=True)
    also = make_checkpoint("also", consent_preview=True)
    no = make_checkpoint("no")
    assert launch(pool=make_pool("a", checkpoints=[yes, also])).previews
    assert not launch(pool=make_pool("b", checkpoints=[yes, no])).previews


def test_the_same_key_gives_the_same_job_only_for_the_same_request(
    launch: Callable[..., Job],
) -> None:
    first = launch(idempotency_key="k", settings={"outer_steps": 20})
    assert launch(idempotency_key="k", settings={"outer_steps": 20}) == first
    others: list[dict[str, Any]] = [{"settings": {}}, {"seed": 1}, {"algorithm": "other"}]
    for other in others:
        with pytest.raises(Conflict, match="Idempotency-Key"):
            launch(**{"idempotency_key": "k", "settings": {"outer_steps": 20}, **other})
    assert Job.objects.count() == 1


def test_without_a_key_every_launch_is_a_new_job(launch: Callable[..., Job]) -> None:
    assert launch() != launch()


def test_a_replay_is_answered_even_when_the_pool_could_no_longer_be_used(
    launch: Callable[..., Job],
) -> None:
    first = launch(idempotency_key="k")
    Checkpoint.objects.update(consent_recovery=False)
    assert launch(idempotency_key="k") == first


def test_a_key_is_asked_about_once_and_under_the_lock_on_its_person(
    launch: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two launches at the same moment the second waits for the first, then finds its job."""
    first = launch(idempotency_key="k")
    asked = []

    def before(rows: QuerySet[Any], digest: str) -> list[Job]:
        asked.append(connection.in_atomic_block)
        return rows_made_before(rows, digest)

    monkeypatch.setattr(services, "rows_made_before", before)
    with CaptureQueriesContext(connection) as queries:
        assert launch(idempotency_key="k") == first
    locked, looked = [
        next(at for at, query in enumerate(queries) if f'FROM "{table}"' in query["sql"])
        for table in (User._meta.db_table, Job._meta.db_table)
    ]
    assert asked == [True] and locked < looked and Job.objects.count() == 1


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_a_seed_out_of_range_names_the_field(launch: Callable[..., Job], seed: int) -> None:
    with pytest.raises(DomainError) as caught:
        launch(seed=seed)
    assert set(caught.value.fields) == {"seed"}


@pytest.mark.parametrize("seed", [0, MAX_SEED])
def test_the_ends_of_the_range_are_seeds(launch: Callable[..., Job], seed: int) -> None:
    assert launch(seed=seed).seed == seed


def test_an_unknown_algorithm_is_answered_with_those_there_are(launch: Callable[..., Job]) -> None:
    with pytest.raises(DomainError, match="Choose one of free"):
        launch(algorithm="magic")


def test_before_any_worker_has_started_one_is_told_so(pool: Pool, alice: User) -> None:
    with pytest.raises(DomainError, match="No worker has published"):
        job_launch(owner=alice, pool=pool, algorithm="free", settings={})


def test_more_ways_than_all_models_know_together_are_refused(
    launch: Callable[..., Job], pool: Pool
) -> None:
    names = [set(member.checkpoint.class_names) for member in pool.members.all()]
    known = len(set.union(*names))
    assert launch(settings={"n_way": known})
    with pytest.raises(DomainError) as caught:
        launch(settings={"n_way": known + 1})
    assert set(caught.value.fields) == {"n_way"}
    assert f"have {known} classes in total" in caught.value.fields["n_way"]


def test_too_many_unfinished_jobs_are_refused(
    launch: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_UNFINISHED_PER_PERSON", 2)
    first = launch()
    launch()
    with pytest.raises(DomainError, match="unfinished"):
        launch()
    job_cancel(job=first, by=first.owner)
    assert launch()
    assert MAX_UNFINISHED_PER_PERSON > 2


@pytest.mark.parametrize("change", [{"consent_recovery": False}, {"state": "rejected"}])
def test_a_model_that_may_no_longer_be_used_stops_launch_and_resume(
    launch: Callable[..., Job], change: dict[str, Any]
) -> None:
    job = launch()
    job_cancel(job=job, by=job.owner)
    Checkpoint.objects.filter(name="pool a").update(**change)
    for refused in (launch, lambda: job_resume(job=job, by=job.owner)):
        with pytest.raises(DomainError) as caught:
            refused()
        assert "pool a" in caught.value.fields["pool"]
    assert Job.objects.get().state == S.CANCELLED


def test_a_model_that_is_no_longer_shared_stops_the_launch(
    launch: Callable[..., Job], make_pool: Callable[..., Any], charlie: User, alice: User
) -> None:
    from marketplace.pools.services import pool_create

    rows = list(make_pool("theirs").checkpoints.all())
    Checkpoint.objects.update(owner=charlie, visibility=Visibility.PUBLIC)
    pool = pool_create(owner=alice, name="mixed", checkpoint_ids=[row.pk for row in rows])
    Checkpoint.objects.filter(pk=rows[0].pk).update(visibility=Visibility.PRIVATE)
    with pytest.raises(DomainError, match="not shared with you"):
        launch(pool=pool)


@pytest.mark.parametrize("state", sorted(FINAL | {S.CANCELLING}))
def test_what_has_ended_or_is_ending_cannot_be_cancelled(
    job: Job, alice: User, state: JobState
) -> None:
    Job.objects.update(state=state)
    with pytest.raises(Conflict, match="already"):
        job_cancel(job=job, by=alice)
    assert Job.objects.get().state == state


def test_a_waiting_job_is_cancelled_at_once(job: Job, alice: User) -> None:
    row = job_cancel(job=job, by=alice)
    assert (row.state, row.finished_at is not None) == (S.CANCELLED, True)


def meanwhile(monkeypatch: pytest.MonkeyPatch, happening: Callable[..., Any]) -> None:
    """Lets something happen to the job between the look at it and the move."""
    cancel = services._cancel_from

    def late(job: Job, by: User) -> Job:
        happening(job)
        return cancel(job, by)

    monkeypatch.setattr(services, "_cancel_from", late)


def test_a_job_that_a_worker_takes_at_that_moment_is_asked_to_stop(
    job: Job, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(row: Job) -> None:
        if Job.objects.get().state == S.QUEUED:
            job_claim(job_id=row.pk, worker="quick")

    meanwhile(monkeypatch, taken)
    assert job_cancel(job=job, by=alice).state == S.CANCELLING


def test_a_job_that_a_worker_loses_at_that_moment_is_cancelled(
    job: Job, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_claim(job_id=job.pk, worker="dying")

    def lost(row: Job) -> None:
        if Job.objects.get().state == S.RUNNING:
            job_lose(job=Job.objects.get(), reason="The worker went silent")

    meanwhile(monkeypatch, lost)
    assert job_cancel(job=job, by=alice).state == S.CANCELLED


def test_a_job_that_ends_at_that_moment_is_a_conflict(
    job: Job, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_claim(job_id=job.pk, worker="w")
    meanwhile(monkeypatch, lambda row: job_move(job=Job.objects.get(), to=S.SUCCEEDED))
    with pytest.raises(Conflict, match="already succeeded"):
        job_cancel(job=job, by=alice)


def test_a_job_that_changes_hands_all_the_time_asks_for_patience(
    job: Job, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pass_on(row: Job) -> None:
        present = Job.objects.get()
        if present.state == S.QUEUED:
            job_claim(job_id=present.pk, worker="w")
        else:
            job_requeue(job=present)

    meanwhile(monkeypatch, pass_on)
    with pytest.raises(Conflict, match="taking over"):
        job_cancel(job=job, by=alice)
    assert Job.objects.get().state in (S.QUEUED, S.RUNNING)


@pytest.mark.parametrize("state", sorted(set(S) - {S.CANCELLED, S.FAILED}))
def test_only_a_cancelled_or_failed_job_resumes(job: Job, alice: User, state: JobState) -> None:
    Job.objects.update(state=state)
    with pytest.raises(Conflict, match="only a cancelled or failed one"):
        job_resume(job=job, by=alice)


@pytest.mark.parametrize("state", [S.CANCELLED, S.FAILED])
def test_a_resumed_job_starts_clean_and_keeps_its_progress(
    job: Job,
    alice: User,
    state: JobState,
    sent: list[Any],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    Job.objects.update(state=state, error="x", lost_attempts=3, steps_done=5, attempt=2)
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        row = job_resume(job=job, by=alice)
    assert (row.state, row.error, row.lost_attempts) == (S.QUEUED, "", 0)
    assert (row.steps_done, row.attempt, row.finished_at) == (5, 2, None)
    assert sent == [("worker.run_job", {"job_id": str(job.pk)})]


def test_an_idempotency_key_is_unique_per_person_in_the_database(job: Job) -> None:
    names = connection.introspection
    with connection.cursor() as cursor:
        constraints = names.get_constraints(cursor, Job._meta.db_table)
    assert constraints["job_once_per_idempotency_key"]["unique"]


def test_a_constraint_that_is_broken_for_another_reason_is_not_hidden(
    launch: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise IntegrityError("another constraint")

    monkeypatch.setattr(services, "_create", broken)
    with pytest.raises(IntegrityError, match="another constraint"):
        launch(idempotency_key="k")
