"""After an account is closed nothing of the person remains, but for a list with reasons.

Every table of the database and every file in storage is searched for the person's name, address,
number and files, whatever tables and folders there are.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.invitations import invitation_accept, team_invite
from marketplace.accounts.models import Invitation, Membership, Role, Team, User
from marketplace.accounts.services import DELETED_USER, token_create
from marketplace.adaptation.models import AdaptationSession
from marketplace.audit.chain import verify
from marketplace.audit.models import Record
from marketplace.audit.selectors import records_as_lines
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import Conflict
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.moves import LeaseLost, job_claim, job_report
from marketplace.jobs.services import job_launch
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner
from marketplace.leaving.services import account_close
from marketplace.operations.stored_files import stored_keys
from marketplace.pools.models import Pool
from tests.marketplace.conftest import publish
from worker.snapshots import delete_finished, delete_withdrawn

NUMBER = 987_654_321
NAME = "quentina"
# No other row or file has these texts.
NAMES = (NAME, "Quux", "Corge", "quux@example.org", "192.0.2.77", "grault", "garply")
PERSONAL = (*NAMES, str(NUMBER))
ALLOWED = {
    # (table, column): why the number of the account, and nothing else, may stay
    ("audit_record", "person_id"): "a record names no more than the number of the account",
    ("audit_record", "row"): "the record of the closing is about that number",
    ("audit_record", "details"): "what an operator did to the account is about that number",
}
IN_FILES = {
    # the end of a key: why what is in the file may stay
    "/provenance.json": "a learner's file of another person, which others compare by its hash",
}


@pytest.fixture
def quentina(db: None) -> User:
    """A person with something in every table."""
    return User.objects.create_user(
        NAME, pk=NUMBER, password="pw", first_name="Quux", last_name="Corge",
        email="quux@example.org",
    )  # fmt: skip


class World:
    """What Quentina has, what others have of hers, and what is none of her business."""

    def __init__(self, quentina: User, bob: User, sam: User, make: Callable[..., Any]) -> None:
        self.quentina, self.bob = quentina, bob
        public = {"visibility": "public"}
        self.names = iter(["grault", "garply", "grault-2", "garply-2", "grault-3"])
        self.models = [
            make(name, owner=quentina, description="grault", content=b"grault", **public)
            for name in self.names
        ]
        self.bobs_models = [make(name, owner=bob, **public) for name in ("owl", "wren")]
        self._account(sam)
        self._work()
        self._of_others()
        self._passing()

    def _account(self, sam: User) -> None:
        user = self.quentina
        EmailAddress.objects.create(user=user, email=user.email)
        Authenticator.objects.create(user=user, type="totp", data={"secret": "grault"})
        token_create(user=user, name="grault")
        user.groups.add(Group.objects.create(name="readers"))
        client = Client()
        client.force_login(user)
        UserSession.objects.create(
            user=user, ip="192.0.2.77", user_agent="garply",
            session_key=client.session.session_key,
        )  # fmt: skip
        other = Client()
        other.force_login(user)
        self.alone = Team.objects.create(name="grault alone")
        self.shared = Team.objects.create(name="Botany")
        for team, person, role in (
            (self.alone, user, Role.OWNER),
            (self.shared, user, Role.MEMBER),
            (self.shared, self.bob, Role.OWNER),
        ):
            Membership.objects.create(team=team, user=person, role=role)
        for row in (user, EmailAddress.objects.get(), self.alone):
            kind = ContentType.objects.get_for_model(row)
            LogEntry.objects.create(
                user=sam, content_type=kind, object_id=str(row.pk), object_repr=str(row),
                action_flag=CHANGE, change_message="[]",
            )  # fmt: skip
        record(Act.SIGN_IN_FAILED, by=None, tried=user)
        team = Team.objects.create(name="Zoology")
        Membership.objects.create(team=team, user=self.bob, role=Role.OWNER)
        team_invite(team=team, by=self.bob, username=NAME)
        invitation_accept(invitation=Invitation.objects.get(), by=user)
        waiting = Team.objects.create(name="Geology")
        Membership.objects.create(team=waiting, user=self.bob, role=Role.OWNER)
        team_invite(team=waiting, by=self.bob, username=NAME.upper())

    def _pool(self, owner: User, name: str, models: list[Checkpoint]) -> Pool:
        pool = Pool.objects.create(owner=owner, name=name, visibility="public")
        for position, row in enumerate(models):
            pool.members.create(checkpoint=row, position=position)
        return pool

    def _launch(self, owner: User, pool: Pool, *, steps: int, state: JobState) -> Job:
        job = job_launch(owner=owner, pool=pool, algorithm="free", settings={})
        Job.objects.filter(pk=job.pk).update(steps_done=steps, state=state)
        MetricPoint.objects.create(job=job, name="loss", step=1, value=0.5)
        storage.put_stream(
            f"{storage.snapshot_prefix(job.pk)}/000001-000000001.snapshot", ContentFile(b"grault")
        )
        return job

    def _work(self) -> None:
        user = self.quentina
        self.own_pool = self._pool(user, "grault own", self.models[:2])
        self.job = self._launch(user, self.own_pool, steps=9, state=JobState.SUCCEEDED)
        self.learner = publish(self.job)
        pool = self._pool(user, "grault waiting", self.models[:2])
        self.waiting = job_launch(owner=user, pool=pool, algorithm="free", settings={})
        self.on_bobs = self._pool(self.bob, "bobs", [*self.bobs_models, self.models[4]])
        self._launch(user, self.on_bobs, steps=3, state=JobState.FAILED)

    def _of_others(self) -> None:
        models = [self.models[2], self.bobs_models[0]]
        self.used_by_bob = self._pool(self.quentina, "grault used", models)
        self.bobs_job = self._launch(self.bob, self.used_by_bob, steps=9, state=JobState.SUCCEEDED)
        self.bobs_learner = publish(self.bobs_job)
        provenance = [{"name": row.name, "owner": row.owner.username} for row in models]
        made_by = {"name": f"FREE on {self.used_by_bob.name}"}
        MetaLearner.objects.filter(pk=self.bobs_learner.pk).update(
            provenance=provenance, config={"made_by": made_by}, card=f"# {made_by['name']}"
        )
        storage.put_stream(
            storage.learner_key(self.bobs_learner.pk, "provenance.json"),
            ContentFile(json.dumps(provenance).encode()),
        )
        copied = self._pool(self.bob, "bobs copies", [self.models[3], self.bobs_models[1]])
        job = self._launch(self.bob, copied, steps=9, state=JobState.SUCCEEDED)
        self.copy = publish(job)
        self.copy.copied_models.set([self.models[3]])

    def _passing(self) -> None:
        user = self.quentina
        draft = CheckpointDraft(name="grault coming", class_names=("garply", "b"))
        upload = checkpoint_upload_begin(owner=user, draft=draft, length=10)
        if not settings.S3_BUCKET:  # there the parts are no files
            (Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{upload.pk}.growing").write_bytes(b"grault")
        held = checkpoint_upload_begin(owner=user, draft=None, length=6)
        type(held).objects.filter(pk=held.pk).update(finished_at=timezone.now(), offset=6)
        storage.put_stream(storage.incoming_key(held.pk), ContentFile(b"grault"))
        for about in ({"learner": self.bobs_learner}, {"learner": self.learner}):
            session = AdaptationSession.objects.create(user=user, **about)
            storage.put_stream(storage.adaptation_key(session.pk), ContentFile(b"grault"))
        gone = Checkpoint.objects.create(
            owner=user, name="garply gone", image_size=32, channels=3, upload_bytes=1
        )
        self.own_pool.members.create(checkpoint=gone, position=9)
        checkpoint_delete(checkpoint=gone)


@pytest.fixture
def world(
    quentina: User,
    bob: User,
    sam: User,
    make_checkpoint: Callable[..., Any],
    catalogue: None,
) -> World:
    return World(quentina, bob, sam, make_checkpoint)


def rows_that_tell() -> list[tuple[str, str, str]]:
    """Table, column and text of everything in the database that tells of Quentina."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name from the database
            columns = [column[0] for column in cursor.description]
            found += [
                (table, column, str(value))
                for row in cursor.fetchall()
                for column, value in zip(columns, row, strict=True)
                if any(text in str(value) for text in PERSONAL)
            ]
    for session in Session.objects.all():
        assert str(NUMBER) not in str(session.get_decoded())
    return found


def files_that_tell(files: Path) -> list[str]:
    """Every file in storage and in the folder of uploads that tells of Quentina."""
    keys = {key: b"".join(storage.stored_chunks(key)) for key in stored_keys()}
    for path in files.rglob("*"):
        if path.is_file():
            keys[str(path.relative_to(files))] = path.read_bytes()
    return sorted(
        key
        for key, content in keys.items()
        if any(text.encode() in content or text in key for text in PERSONAL)
    )


def test_nothing_of_the_person_remains_but_for_a_list_with_reasons(
    world: World, own_files: Path
) -> None:
    told = {(table, column) for table, column, _ in rows_that_tell_before(world)}
    assert len(told) > 25 and len(files_that_tell(own_files)) > 10
    account_close(user=world.quentina)
    left = [
        (table, column, text)
        for table, column, text in rows_that_tell()
        if (table, column) not in ALLOWED or any(name in text for name in NAMES)
    ]
    assert left == []
    # Snapshots of others' jobs on her models go with the next tick.
    delete_finished()
    delete_withdrawn()
    left_files = [key for key in files_that_tell(own_files) if not key.endswith(tuple(IN_FILES))]
    assert left_files == []


def rows_that_tell_before(world: World) -> list[tuple[str, str, str]]:
    """The same search finds a lot before: it would notice what remains."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    sessions = Session.objects.all()
    assert any(str(NUMBER) in str(session.get_decoded()) for session in sessions)
    found = []
    kept = list(sessions)
    Session.objects.all().delete()
    found = rows_that_tell()
    Session.objects.bulk_create(kept)
    return found


def test_what_others_depend_on_stays_without_a_name(world: World) -> None:
    account_close(user=world.quentina)
    pool = Pool.objects.get(pk=world.used_by_bob.pk)
    assert (pool.owner.username, pool.visibility) == (DELETED_USER, "private")
    assert pool.name == "a pool of a closed account"
    kept = set(Checkpoint.objects.filter(state=CheckpointState.DELETED))
    assert kept == {world.models[2], world.models[3]}
    bobs = MetaLearner.objects.get(pk=world.bobs_learner.pk)
    assert bobs.provenance == [{}, {"name": "owl", "owner": "bob"}]
    assert bobs.name == bobs.config["made_by"]["name"] == "FREE on a pool of a closed account"
    assert MetaLearner.objects.get(pk=world.copy.pk).files == []
    assert set(Job.objects.values_list("owner__username", flat=True)) == {"bob"}
    assert Team.objects.filter(name="Botany").exists()
    assert not Team.objects.filter(pk=world.alone.pk).exists()
    # Only her job had used it.
    on_bobs = Pool.objects.get(pk=world.on_bobs.pk)
    assert not on_bobs.is_frozen and on_bobs.members.count() == 2


def test_a_worker_that_still_runs_her_job_writes_nothing_more(world: World) -> None:
    running = job_claim(job_id=world.waiting.pk, worker="w")
    account_close(user=world.quentina)
    report: dict[str, Any] = {"stage": "s", "steps_done": 1, "total_steps": 9, "eta_s": None}
    with pytest.raises(LeaseLost):
        job_report(job=running, metrics={1: {"loss": 1.0}}, **report)


def test_the_receipt_counts_what_is_gone_and_says_why_the_rest_stays(world: World) -> None:
    receipt = account_close(user=world.quentina)
    assert receipt.account == NUMBER
    assert receipt.deleted == {
        "meta-learners": 1, "jobs": 3, "pools": 2, "models": 5, "uploads": 2, "teams": 1,
        "memberships": 2, "tokens": 1, "signed-in browsers": 1, "second factors": 1,
        "e-mail addresses": 1,
    }  # fmt: skip
    assert {row.what: row.n for row in receipt.kept} == {
        "pools": 1,
        "deleted models": 2,
        "meta-learners of other people": 2,
        "records in the audit log": None,
        "backups and downloads": None,
    }
    assert all(row.why for row in receipt.kept)


def test_the_log_holds_and_names_no_more_than_a_number(world: World) -> None:
    head = verify(records_as_lines()).head
    account_close(user=world.quentina)
    verify(records_as_lines(), expect=head)
    last = Record.objects.order_by("-number").first()
    assert last is not None and last.act == Act.ACCOUNT_CLOSED
    assert (last.person, last.person_id, last.details["jobs"]) == ("", NUMBER, 3)


def test_someone_with_nothing_leaves_nothing_and_gets_a_short_receipt(charlie: User) -> None:
    receipt = account_close(user=charlie)
    assert not any(receipt.deleted.values())
    assert [row.n for row in receipt.kept] == [None, None]
    assert not User.objects.exists()
    with pytest.raises(Conflict, match="just been closed"):
        account_close(user=charlie)


def test_the_last_owner_of_a_team_with_members_names_another_first(
    alice: User, bob: User, team: Team, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint()
    with pytest.raises(Conflict, match="last owner of the team “Botany”"):
        account_close(user=alice)
    assert Checkpoint.objects.count() == 1 and alice.api_tokens.count() == 0
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    account_close(user=alice)
    assert list(team.members.all()) == [bob]


def test_a_model_in_quarantine_keeps_the_account_open(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("suspect", quarantined_at=timezone.now() - timedelta(days=1))
    with pytest.raises(Conflict, match="“suspect” is in quarantine"):
        account_close(user=alice)
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_file_that_cannot_be_removed_does_not_open_the_account_again(
    learner: MetaLearner, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def away(key: str) -> None:
        raise OSError("no storage")

    monkeypatch.setattr(storage, "remove", away)
    account_close(user=alice)
    assert not User.objects.exists()
    assert "could not be removed" in caplog.text
