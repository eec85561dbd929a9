"""The log only grows, and nobody can change it unnoticed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from marketplace.accounts.models import Team, User
from marketplace.adaptation.services import adaptation_run
from marketplace.audit.chain import as_line, hash_of
from marketplace.audit.models import Record
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import Busy, Conflict
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_cancel, job_resume
from marketplace.learners.models import MetaLearner
from marketplace.learners.services import learner_change
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_change_checkpoints, pool_delete
from tests.marketplace.audit.records import acts


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
