"""Meta-learners and adaptation as JSON."""

import base64

import pytest

from contract.limits import MAX_QUERIES
from marketplace.accounts.models import Team, User
from marketplace.api.serializers.learners import (
    AdaptationSerializer,
    LearnerChangeSerializer,
    LearnerDetailSerializer,
    LearnerSerializer,
)
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import NOT_SHARED, learners_visible_to
from tests.marketplace.api.asking import asked_by

PICTURE = base64.b64encode(b"pixels").decode()


def test_a_learner_is_shown_with_the_job_and_the_pool_it_came_from(
    learner: MetaLearner, alice: User
) -> None:
    shown = LearnerSerializer(learners_visible_to(alice).get()).data
    assert (shown["job"], shown["pool"]) == (learner.job_id, str(learner.job.pool_id))
    assert (shown["algorithm"], shown["algorithm_title"]) == ("free", "FREE")
    assert (shown["copies_weights"], shown["usable"]) == (False, True)


def test_where_it_came_from_is_told_as_the_person_who_asks_may_know_it(
    learner: MetaLearner, alice: User, charlie: User
) -> None:
    row = learners_visible_to(alice).get()
    names = [
        LearnerDetailSerializer(row, context=asked_by(user)).data["provenance"][0]["name"]
        for user in (alice, charlie)
    ]
    assert names == ["birds", NOT_SHARED]


def test_a_team_of_others_is_no_team_to_share_with(team: Team, bob: User, charlie: User) -> None:
    for user, valid in ((bob, True), (charlie, False)):
        shape = LearnerChangeSerializer(data={"team": team.name}, context=asked_by(user))
        assert shape.is_valid() is valid


@pytest.mark.parametrize("count", [MAX_QUERIES, MAX_QUERIES + 1])
def test_so_many_pictures_are_asked_about_at_a_time_and_no_more(count: int) -> None:
    support = [{"label": "robin", "image": PICTURE}]
    shape = AdaptationSerializer(data={"support": support, "query": [PICTURE] * count})
    assert shape.is_valid() is (count == MAX_QUERIES)
    if count == MAX_QUERIES:
        assert shape.validated_data["calibrate"] is False
    else:
        assert shape.errors["query"] == [f"Ask about at most {MAX_QUERIES} pictures at a time."]


def test_a_class_without_a_name_is_refused() -> None:
    shape = AdaptationSerializer(
        data={"support": [{"label": " ", "image": PICTURE}], "query": [PICTURE]}
    )
    assert not shape.is_valid() and "Every class needs a name." in str(shape.errors["support"])
