"""Shape of what comes in about pools."""

from typing import Any

import pytest
from django.http import QueryDict

from marketplace.accounts.models import User
from marketplace.pools.forms import CandidateFilterForm, MembersForm, PoolForm


def test_any_ids_are_taken_and_left_to_the_service(alice: User) -> None:
    said = QueryDict("name=Birds&visibility=private&checkpoints=one&checkpoints=two")
    form = PoolForm(said, user=alice)
    assert form.is_valid() and form.cleaned_data["checkpoints"] == ["one", "two"]
    assert MembersForm(QueryDict("")).is_valid()


def test_a_pool_is_shared_only_with_a_team_of_ones_own(
    team: Any, alice: User, charlie: User
) -> None:
    said = QueryDict(f"name=Birds&visibility=team&team={team.pk}")
    assert PoolForm(said, user=alice).is_valid()
    assert set(PoolForm(said, user=charlie).errors) == {"team"}


@pytest.mark.parametrize(
    ("asked", "consent"), [({}, "recovery"), ({"consent": "preview"}, "preview")]
)
def test_only_models_that_may_enter_a_pool_are_candidates(
    alice: User, asked: dict[str, str], consent: str
) -> None:
    assert CandidateFilterForm(asked, user=alice).filters()["consent"] == consent
