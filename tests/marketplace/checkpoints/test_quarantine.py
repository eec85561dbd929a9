"""Quarantine: who sees what, what stops, and that all of it comes back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_download_checkpoint, can_pool_checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.checkpoints.search import checkpoints_search
from marketplace.checkpoints.selectors import (
    checkpoints_listed_for,
    checkpoints_visible_to,
)
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import Conflict, DomainError
from marketplace.pools.services import pool_create

WHY = "It was trained on pictures of people."


@pytest.fixture
def row(make_checkpoint: Callable[..., Any], sam: User) -> Checkpoint:
    """Alice's public model, in quarantine."""
    return checkpoint_quarantine(
        checkpoint=make_checkpoint("birds", visibility="public"), by=sam, reason=f"  {WHY} "
    )


def test_it_is_hidden_from_all_but_its_owner_and_staff(
    row: Checkpoint, alice: User, bob: User, charlie: User, sam: User
) -> None:
    for person in (bob, charlie, AnonymousUser()):
        assert row not in checkpoints_visible_to(person)
        assert row not in checkpoints_search(person, {})
    for person in (alice, sam):
        assert row in checkpoints_visible_to(person)
    assert row in checkpoints_listed_for(alice) and row not in checkpoints_listed_for(sam)


def test_nobody_can_use_it_not_even_its_owner(
    row: Checkpoint, alice: User, sam: User, make_checkpoint: Callable[..., Any]
) -> None:
    for person in (alice, sam):
        assert not can_download_checkpoint(person, row)
        assert not can_pool_checkpoint(person, row)
    with pytest.raises(DomainError, match="in quarantine; leave it out"):
        pool_create(owner=alice, name="pool", checkpoint_ids=[row.pk, make_checkpoint("b").pk])
    with pytest.raises(Conflict, match=WHY):
        checkpoint_change(checkpoint=row, by=alice, values={"description": "harmless"})
    with pytest.raises(Conflict, match=WHY):
        checkpoint_delete(checkpoint=row)


def test_lifting_it_gives_everything_back(
    row: Checkpoint, alice: User, charlie: User, sam: User
) -> None:
    freed = checkpoint_release(checkpoint=row, by=sam)
    assert freed in checkpoints_visible_to(charlie) and freed in checkpoints_search(charlie, {})
    assert can_download_checkpoint(charlie, freed) and can_pool_checkpoint(charlie, freed)
    checkpoint_change(checkpoint=freed, by=alice, values={"description": "harmless"})


def test_it_is_done_once_with_a_reason_and_written_into_the_log(row: Checkpoint, sam: User) -> None:
    with pytest.raises(Conflict, match="already"):
        checkpoint_quarantine(checkpoint=row, by=sam, reason=WHY)
    checkpoint_release(checkpoint=row, by=None)
    with pytest.raises(Conflict, match="not in quarantine"):
        checkpoint_release(checkpoint=row, by=sam)
    for reason in ("", "   ", "x" * 501):
        with pytest.raises(DomainError, match="reason"):
            checkpoint_quarantine(checkpoint=row, by=sam, reason=reason)
    acts = Record.objects.filter(row=str(row.pk)).order_by("number")
    assert [(act.act, act.person) for act in acts] == [
        ("model.quarantined", "sam"), ("model.released", ""),
    ]  # fmt: skip
    assert acts[0].details["reason"] == WHY


def test_its_page_tells_the_owner_why_and_strangers_nothing(
    row: Checkpoint, alice: User, charlie: User, sam: User, client: Client
) -> None:
    page, file = (
        reverse(name, args=[row.pk]) for name in ("checkpoint_detail", "checkpoint_download")
    )
    for person in (alice, sam):
        client.force_login(person)
        assert WHY in client.get(page).content.decode()
        assert client.get(file).status_code == 404
    client.force_login(charlie)
    assert client.get(page).status_code == 404 and client.get(file).status_code == 404
    client.force_login(alice)
    assert "In quarantine" in client.get(reverse("checkpoint_list")).content.decode()
    builder = client.get(reverse("pool_candidates")).content.decode()
    assert str(row.pk) not in builder
<<<<<<< HEAD


def test_staff_do_it_by_the_api_and_nobody_else(
    make_checkpoint: Callable[..., Any],
    alice: User,
    charlie: User,
    sam: User,
    client_of: Callable[..., Any],
) -> None:
    row = make_checkpoint(visibility="public")
    address = f"/api/v1/checkpoints/{row.pk}/"
    for person in (alice, charlie):
        answer = client_of(person).post(f"{address}quarantine/", {"reason": WHY}, format="json")
        assert answer.status_code == 403 and "staff" in answer.json()["detail"]
    staff = client_of(sam)
    assert staff.post(f"{address}quarantine/", {}, format="json").status_code == 400
    done = staff.post(f"{address}quarantine/", {"reason": WHY}, format="json")
    assert done.status_code == 200 and done.json()["quarantine_reason"] == WHY
    assert client_of(charlie).get(address).status_code == 404
    assert client_of(alice).get(address).json()["quarantine_reason"] == WHY
    refused = client_of(alice).get(f"{address}download/")
    assert refused.status_code == 409 and "in quarantine" in refused.json()["detail"]
    listed = staff.get("/api/v1/checkpoints/").json()
    assert listed["count"] == 0
    assert staff.delete(f"{address}quarantine/").status_code == 200
    assert client_of(charlie).get(f"{address}download/").status_code == 200


def test_staff_do_it_in_the_operator_pages(
    make_checkpoint: Callable[..., Any], sam: User, client: Client
) -> None:
    row = make_checkpoint()
    client.force_login(sam)
    address = reverse("admin:checkpoints_checkpoint_changelist")

    def act(action: str, reason: str = "") -> str:
        said = {"action": action, "_selected_action": [str(row.pk)], "reason": reason}
        answer = client.post(address, said, follow=True)
        row.refresh_from_db()
        return answer.content.decode()

    assert "Give the reason" in act("quarantine") and not row.is_quarantined
    assert "is in quarantine" in act("quarantine", WHY) and row.quarantine_reason == WHY
    assert "out of quarantine" in act("release") and not row.is_quarantined
    assert "not in quarantine" in act("release")


def test_who_sits_at_the_machine_does_it_by_a_command(make_checkpoint: Callable[..., Any]) -> None:
    row, out = make_checkpoint("birds"), StringIO()
    call_command("quarantine", str(row.pk), "--reason", WHY, stdout=out)
    assert Checkpoint.objects.get().is_quarantined
    call_command("quarantine", str(row.pk), "--lift", stdout=out)
    assert not Checkpoint.objects.get().is_quarantined
    assert out.getvalue().splitlines() == [
        "“birds” is in quarantine; its jobs stop in seconds.", "“birds” is out of quarantine.",
    ]  # fmt: skip
    for wrong, words in ((str(row.pk), "not in quarantine"), ("nonsense", "no model")):
        with pytest.raises(CommandError, match=words):
            call_command("quarantine", wrong, "--lift")


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (JobState.QUEUED, JobState.CANCELLED),
        (JobState.RUNNING, JobState.CANCELLING),
        (JobState.SUCCEEDED, JobState.SUCCEEDED),
        (JobState.FAILED, JobState.FAILED),
    ],
)
def test_jobs_that_use_it_stop_and_say_so_without_name_and_reason(
    job: Job, sam: User, state: JobState, after: JobState
) -> None:
    type(job).objects.filter(pk=job.pk).update(state=state)
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert job.state == state
    model = job.pool.checkpoints.first()
    checkpoint_quarantine(checkpoint=model, by=sam, reason=WHY)
    jobs_stop_quarantined()
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert job.state == after
    assert (job.error == quarantine.TAKEN_OUT) == (state in {JobState.QUEUED, JobState.RUNNING})
    assert job.events.filter(text__contains=quarantine.TAKEN_OUT).count() == int(state != after)
    assert not job.events.filter(text__contains=WHY).exists()


def test_a_stopped_job_is_resumed_when_the_quarantine_is_lifted(
    job: Job, sam: User, alice: User
) -> None:
    model = job.pool.checkpoints.first()
    checkpoint_quarantine(checkpoint=model, by=sam, reason=WHY)
    jobs_stop_quarantined()
    with pytest.raises(DomainError, match="in quarantine"):
        job_resume(job=job, by=alice)
    checkpoint_release(checkpoint=model, by=sam)
    job = job_resume(job=job, by=alice)
    assert (job.state, job.error) == (JobState.QUEUED, "")


def meanwhile(monkeypatch: pytest.MonkeyPatch, happening: Callable[..., Any]) -> None:
    """Let something happen between the tick's look at the jobs and its write."""
    stop = quarantine.job_stop

    def late(job: Job, reason: str) -> None:
        happening()
        stop(job=job, reason=reason)

    monkeypatch.setattr(quarantine, "job_stop", late)


def test_a_job_that_a_worker_takes_at_that_moment_is_met_by_the_next_tick(
    job: Job, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_quarantine(checkpoint=job.pool.checkpoints.first(), by=sam, reason=WHY)
    with monkeypatch.context() as patched:
        meanwhile(patched, lambda: job_claim(job_id=job.pk, worker="here"))
        jobs_stop_quarantined()
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.RUNNING, "")
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLING and job.error == quarantine.TAKEN_OUT


def test_a_quarantine_that_is_lifted_at_that_moment_stops_nothing(
    job: Job, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = checkpoint_quarantine(checkpoint=job.pool.checkpoints.first(), by=sam, reason=WHY)
    distinct = QuerySet.distinct

    def late(rows: QuerySet[Any], *fields: Any) -> list[Job]:
        found = list(distinct(rows, *fields))
        checkpoint_release(checkpoint=model, by=sam)
        return found

    monkeypatch.setattr(QuerySet, "distinct", late)
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.QUEUED, "")


def test_who_has_read_the_model_before_can_neither_change_nor_delete_it(
    make_checkpoint: Callable[..., Any], sam: User, alice: User
) -> None:
    stale = make_checkpoint("birds")
    row = checkpoint_quarantine(checkpoint=Checkpoint.objects.get(), by=sam, reason=WHY)
    with pytest.raises(Conflict, match=WHY):
        checkpoint_change(checkpoint=stale, by=alice, values={"description": "harmless"})
    with pytest.raises(Conflict, match=WHY):
        checkpoint_delete(checkpoint=stale)
    checkpoint_release(checkpoint=row, by=sam)
    checkpoint_delete(checkpoint=stale)
    with pytest.raises(Conflict, match="just been deleted"):
        checkpoint_delete(checkpoint=row)
    assert Record.objects.filter(act="model.deleted").count() == 1


def test_what_older_versions_wrote_into_jobs_is_forgotten_by_a_migration(job: Job) -> None:
    named = f"The model “birds” is in quarantine: {WHY}"
    type(job).objects.update(error=named)
    job.events.create(text=f"Stopped. {named}")
    job.events.create(text=f"Failed: {named}")
    job.events.create(text="Cancelled by alice.")
    migration = import_module("marketplace.jobs.migrations.0002_neutral_quarantine_texts")
    migration.forget_names(apps, None)
    job.refresh_from_db()
    assert job.error == quarantine.TAKEN_OUT
    assert [event.text for event in job.events.all()][1:] == [
        f"Stopped. {quarantine.TAKEN_OUT}",
        f"Failed: {quarantine.TAKEN_OUT}",
        "Cancelled by alice.",
    ]
=======
>>>>>>> h-test-b
