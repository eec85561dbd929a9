"""Publishing, renaming and sharing a meta-learner."""

from typing import Any
from uuid import uuid4

import pytest

from marketplace.accounts.models import Team, User, Visibility
from marketplace.core.errors import DomainError
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.learners.services import learner_change, learner_publish

WHAT: dict[str, Any] = {"config": {}, "card": "#", "provenance": [], "files": []}


def test_a_learner_belongs_to_the_jobs_owner_and_is_shared_like_the_job(
    job: Job, team: Team
) -> None:
    Job.objects.update(visibility=Visibility.TEAM, team=team)
    job.refresh_from_db()
    row = learner_publish(job=job, learner_id=uuid4(), **WHAT)
    assert (row.owner, row.visibility, row.team) == (job.owner, Visibility.TEAM, team)
    assert row.name == "FREE on pool"


@pytest.mark.parametrize("same_id", [True, False])
def test_publishing_again_replaces_the_row(job: Job, same_id: bool) -> None:
    first = learner_publish(job=job, learner_id=uuid4(), **WHAT)
    pk = first.pk if same_id else uuid4()
    second = learner_publish(job=job, learner_id=pk, **{**WHAT, "card": "# again"})
    assert MetaLearner.objects.get() == second
    assert (second.pk, second.card) == (pk, "# again")


def test_it_is_renamed_and_shared(learner: MetaLearner, alice: User, team: Team) -> None:
    learner_change(learner=learner, by=alice, values={"name": "  New   name "})
    learner_change(learner=learner, by=alice, values={"visibility": "team", "team": team})
    row = MetaLearner.objects.get()
    assert (row.name, row.visibility, row.team) == ("New name", "team", team)
    learner_change(learner=learner, by=alice, values={"visibility": "public"})
    assert MetaLearner.objects.get().team is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 161}, "name"),
        ({"visibility": "odd"}, "visibility"),
        ({"visibility": "team"}, "team"),
    ],
)
def test_a_bad_change_names_the_field_and_changes_nothing(
    learner: MetaLearner, alice: User, values: dict[str, str], field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        learner_change(learner=learner, by=alice, values=values)
    assert set(caught.value.fields) == {field}
    assert MetaLearner.objects.get().name == "FREE on pool"


def test_nobody_shares_with_a_team_that_they_are_not_in(
    learner: MetaLearner, alice: User, team: Team
) -> None:
    team.members.remove(alice)
    with pytest.raises(DomainError) as caught:
        learner_change(learner=learner, by=alice, values={"visibility": "team", "team": team})
    assert set(caught.value.fields) == {"team"}
