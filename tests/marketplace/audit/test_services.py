"""The log only grows, and nobody can change it unnoticed."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from marketplace.accounts.models import Team, User
from marketplace.adaptation.services import adaptation_run
from marketplace.audit.chain import GENESIS, BrokenChain, as_line, hash_of, verify
from marketplace.audit.models import AppendOnly, Record
from marketplace.audit.selectors import records_as_lines
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.audit.triggers import triggers_drop, triggers_make
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import Busy, Conflict
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_cancel, job_resume
from marketplace.learners.models import MetaLearner
from marketplace.learners.services import learner_change
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_change_checkpoints, pool_delete


@pytest.fixture
def three(alice: User, bob: User, team: Team) -> list[Record]:
    """Three records."""
    return [record(Act.TEAM_MADE, by=alice, row=team, name="Botany") for _ in range(3)]


def acts() -> list[str]:
    """What was recorded, oldest first."""
    return list(Record.objects.order_by("number").values_list("act", flat=True))


def forge(number: int, **changes: Any) -> None:
    """Change a record behind everybody's back."""
    names = ", ".join(f"{name} = %s" for name in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE audit_record SET {names} WHERE number = %s", [*changes.values(), number]
        )


def test_a_record_says_who_did_what_to_which_row(alice: User, team: Team) -> None:
    entry = record(Act.TEAM_MADE, by=alice, row=team, name="Botany")
    assert (entry.person_id, entry.person) == (alice.pk, "alice")
    assert (entry.kind, entry.row) == ("team", str(team.pk))
    assert entry.details == {"name": "Botany"}
    assert str(entry) == "1: alice, team.made"
    assert entry.act_name == "Made a team"
    assert abs((timezone.now() - entry.at).total_seconds()) < 60


def test_nobody_and_no_row_are_fine(db: None) -> None:
    entry = record(Act.SIGN_IN_FAILED, by=None)
    assert (entry.person_id, entry.person, entry.kind, entry.row) == (None, "", "", "")
    assert str(entry) == "1: unknown, person.sign_in_failed"


def test_an_act_of_a_later_version_keeps_its_key(db: None) -> None:
    assert Record(act="later.act").act_name == "later.act"


def test_details_come_back_exactly_as_they_were_hashed(alice: User) -> None:
    odd: dict[str, Any] = {
        "a": 1.5,
        "b": None,
        "c": True,
        "d": {"x", "w"},
        "e": ["\0", "\ud800"],
        "f": "x" * 400,
    }
    record(Act.SIGN_IN, by=alice, **odd)
    read = Record.objects.get()
    assert read.details["a"] == "1.5"
    assert read.details["d"] == ["w", "x"]
    assert read.details["e"] == ["", "?"]
    assert len(read.details["f"]) == 300
    assert read.hash == hash_of(as_line(read))


def test_the_act_and_its_record_happen_together_or_not_at_all(alice: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Team.objects.create(name="Zoology")
        record(Act.TEAM_MADE, by=alice)
        raise RuntimeError
    assert not Record.objects.exists()
    assert not Team.objects.exists()


def test_the_chain_holds_and_has_a_head(three: list[Record]) -> None:
    found = verify(records_as_lines())
    assert (found.count, found.head) == (3, three[-1].hash)
    assert three[0].previous == GENESIS
    assert [row.previous for row in three[1:]] == [row.hash for row in three[:-1]]


@pytest.mark.parametrize(
    "change",
    [
        {"person": "mallory"},
        {"act": "team.deleted"},
        {"address": "192.0.2.7"},
        {"details": '{"name": "Zoology"}'},
        {"row": "other"},
    ],
)
def test_a_changed_record_is_found(three: list[Record], change: dict[str, str]) -> None:
    forge(2, **change)
    with pytest.raises(BrokenChain, match="Record 2 was changed"):
        verify(records_as_lines())


def test_a_changed_record_with_a_new_hash_is_found_at_the_next_one(three: list[Record]) -> None:
    forge(2, person="mallory")
    forge(2, hash=hash_of(as_line(Record.objects.get(number=2))))
    with pytest.raises(BrokenChain, match="Record 3 does not follow"):
        verify(records_as_lines())


def test_a_missing_record_is_found(three: list[Record]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_record WHERE number = 2")
    with pytest.raises(BrokenChain, match="Record 2 is missing"):
        verify(records_as_lines())


def test_records_cut_off_the_end_are_missed_when_their_head_was_noted(three: list[Record]) -> None:
    head = three[-1].hash
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_record WHERE number = 3")
    assert verify(records_as_lines()).count == 2
    with pytest.raises(BrokenChain, match="cut off"):
        verify(records_as_lines(), expect=head)
    assert verify(records_as_lines(), expect=three[0].hash).count == 2
    assert verify([], expect=GENESIS).count == 0


def test_the_model_refuses_to_change_or_delete(three: list[Record]) -> None:
    row = Record.objects.first()
    for act in (
        row.save,
        row.delete,
        Record.objects.all().delete,
        lambda: Record.objects.update(person="mallory"),
    ):
        with pytest.raises(AppendOnly):
            act()
    assert Record.objects.count() == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_record SET person = 'mallory'",
        "DELETE FROM audit_record",
        pytest.param("TRUNCATE audit_record", id="TRUNCATE, which is PostgreSQL's alone"),
    ],
)
def test_the_database_itself_refuses(three: list[Record], statement: str) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor != "postgresql":
        pytest.skip("this database knows no TRUNCATE")
    with _editor() as editor:
        triggers_make(editor)
    try:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    finally:
        with _editor() as editor:
            triggers_drop(editor)
    assert Record.objects.filter(person="alice").count() == 3


class _editor:
    """Statements in the test's own transaction, where SQLite's schema editor refuses to begin."""

    connection = connection

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        """Swallow nothing."""

    def execute(self, statement: str) -> None:
        """Run it."""
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_commands_export_and_verify(three: list[Record], tmp_path: Path) -> None:
    out = StringIO()
    call_command("audit_export", stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert verify(lines).head == three[-1].hash
    file = tmp_path / "export.jsonl"
    file.write_text(out.getvalue())
    for arguments in ([], ["--file", str(file)], ["--expect", three[1].hash]):
        said = StringIO()
        call_command("audit_verify", *arguments, stdout=said)
        assert said.getvalue() == f"3 records, unbroken. Head: {three[-1].hash}\n"
    file.write_text(out.getvalue().replace("Botany", "Zoology", 1))
    with pytest.raises(CommandError, match="Record 1 was changed"):
        call_command("audit_verify", "--file", str(file))
    file.write_text("nonsense")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit_verify", "--file", str(file))


def test_an_export_can_be_narrowed_down(three: list[Record], alice: User) -> None:
    record(Act.SIGN_IN, by=alice)
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()

    def count(*arguments: Any) -> int:
        out = StringIO()
        call_command("audit_export", *arguments, stdout=out)
        return len(out.getvalue().splitlines())

    assert count("--act", "person.sign_in") == 1
    assert count("--since", tomorrow) == 0
    assert count("--until", tomorrow) == 4
    assert count("--since", "2020-01-01T10:00", "--until", "2020-01-01T10:00Z") == 0
    for wrong in ("yesterday", "2026-99-99"):
        with pytest.raises(CommandError, match="is no date"):
            count("--since", wrong)


def test_services_record_what_people_do(
    alice: User,
    job: Job,
    learner: MetaLearner,
    make_checkpoint: Callable[..., Any],
    pool: Pool,
    make_pool: Callable[..., Any],
) -> None:
    model = make_checkpoint("spare", visibility="private")
    checkpoint_change(checkpoint=model, by=alice, values={"visibility": "public"})
    checkpoint_delete(checkpoint=model)
    other = make_pool("another")
    pool_change_checkpoints(
        pool=other, by=alice, checkpoint_ids=[row.checkpoint_id for row in other.members.all()]
    )
    pool_delete(pool=other)
    job_cancel(job=job, by=alice)
    job_resume(job=job, by=alice)
    learner_change(learner=learner, by=alice, values={"name": "mine"})
    with pytest.raises(Conflict):
        job_resume(job=job, by=alice)
    assert acts() == [
        "pool.made", "job.launched", "model.changed", "model.deleted", "pool.made",
        "pool.changed", "pool.deleted", "job.cancelled", "job.resumed", "learner.changed",
    ]  # fmt: skip
    changed = Record.objects.get(act="model.changed")
    assert changed.details["visibility"] == "public"
    assert changed.details["consent_recovery"] is True


def test_an_adaptation_is_recorded_without_its_pictures(
    alice: User, learner: MetaLearner, settings: Settings
) -> None:
    settings.ADAPTATION_TIMEOUT_S = 0.01
    support = [{"label": name, "image": "c2VjcmV0LXBpY3R1cmU="} for name in ("robin", "wren")]
    with pytest.raises(Busy):
        adaptation_run(user=alice, learner=learner, support=support, query=[], calibrate=False)
    entry = Record.objects.get(act="learner.adapted")
    assert entry.details == {"support": 2, "query": 0}
    assert entry.row == str(learner.pk)


def test_where_an_act_came_from_is_noted_unless_the_operator_says_no(
    client: Client, client_of: Callable[..., Any], alice: User, settings: Settings
) -> None:
    client.force_login(alice)
    client.post(reverse("team_new"), {"name": "Botany"}, REMOTE_ADDR="192.0.2.7")
    assert Record.objects.get(act="team.made").address == "192.0.2.7"
    settings.AUDIT_ADDRESSES = False
    client_of(alice).post("/api/v1/teams/", {"name": "Zoology"}, REMOTE_ADDR="192.0.2.7")
    entry = Record.objects.filter(act="team.made").first()
    assert (entry.address, entry.token) == ("", alice.api_tokens.get().prefix)


def test_behind_a_proxy_only_its_own_word_counts(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.BEHIND_PROXY = True
    client.force_login(alice)
    for name, said in (("A", "10.0.0.1, 192.0.2.9"), ("B", "nonsense"), ("C", "")):
        headers = {"X-Forwarded-For": said}
        client.post(reverse("team_new"), {"name": name}, headers=headers, REMOTE_ADDR="::1")
    found = Record.objects.filter(act="team.made").order_by("number")
    assert [row.address for row in found] == ["192.0.2.9", "", "::1"]


def test_signing_in_out_and_failing_are_recorded(client: Client, alice: User) -> None:
    where = reverse("account_login")
    client.post(where, {"login": "alice", "password": "pw"})
    client.post(reverse("account_logout"))
    client.post(where, {"login": "alice", "password": "wrong"})
    client.post(where, {"login": "my secret password", "password": "alice"})
    kinds = ("person.sign_in", "person.sign_out", "person.sign_in_failed")
    assert [act for act in acts() if act in kinds] == [kinds[0], kinds[1], kinds[2], kinds[2]]
    tried = [row.details["tried"] for row in Record.objects.filter(act=kinds[2])]
    assert tried == ["an unknown name", "alice"]
    assert "my secret" not in json.dumps(list(records_as_lines()))


def test_what_staff_do_in_the_operator_pages_is_recorded_once(
    client: Client, alice: User, team: Team
) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client.force_login(alice)
    before = Record.objects.count()
    client.post(reverse("admin:accounts_team_delete", args=[team.pk]), {"post": "yes"})
    entry = Record.objects.first()
    assert (Record.objects.count(), entry.act) == (before + 1, "admin.deleted")
    assert entry.details["of"] == "team"
    page = client.get(reverse("admin:audit_record_changelist"), {"act": "admin.deleted"})
    assert "Deleted a row in the operator pages" in page.content.decode()
    assert page.context["cl"].result_count == 1


def test_a_row_of_the_admins_own_log_that_is_saved_again_is_not_recorded_again(
    alice: User, team: Team
) -> None:
    kind = ContentType.objects.get_for_model(Team)
    entry = LogEntry.objects.create(
        user=alice, content_type=kind, object_id=str(team.pk), action_flag=CHANGE
    )
    LogEntry.objects.create(user=alice, action_flag=CHANGE)
    entry.save()
    assert acts() == ["admin.changed", "admin.changed"]
    assert [row.details["of"] for row in Record.objects.order_by("number")] == ["team", ""]
