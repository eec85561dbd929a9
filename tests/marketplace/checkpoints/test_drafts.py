"""What the uploader says is tidied, or refused by name."""

import time
from dataclasses import replace

import pytest

from marketplace.accounts.models import Team, User, Visibility
from marketplace.checkpoints.drafts import draft_check
from marketplace.core.errors import DomainError
from tests.marketplace.checkpoints.uploading import DRAFT, uploaded


def test_every_wrong_field_is_named_at_once(alice: User) -> None:
    with pytest.raises(DomainError) as caught:
        uploaded(
            alice,
            name="",
            class_names=["one"],
            image_size=4,
            channels=3,
            mean=[1],
            std=[0, 1, 1],
            licence="mine",
            visibility="odd",
        )
    assert set(caught.value.fields) == {
        "name", "class_names", "image_size", "mean", "std", "licence", "visibility",
    }  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(8, 512)])
def test_the_ends_of_the_input_sizes_are_allowed(alice: User, low: int, high: int) -> None:
    assert uploaded(alice, image_size=low).image_size == low
    assert uploaded(alice, image_size=high).image_size == high
    for wrong in (low - 1, high + 1):
        with pytest.raises(DomainError):
            uploaded(alice, image_size=wrong)


def test_nobody_shares_with_a_team_that_they_are_not_in(charlie: User, team: Team) -> None:
    with pytest.raises(DomainError) as caught:
        uploaded(charlie, visibility=Visibility.TEAM, team=team)
    assert set(caught.value.fields) == {"team"}


def test_a_team_is_only_kept_with_the_visibility_that_needs_it(alice: User, team: Team) -> None:
    assert uploaded(alice, visibility=Visibility.PUBLIC, team=team).team is None
    assert uploaded(alice, visibility=Visibility.TEAM, team=team).team == team


def test_ten_thousand_classes_with_the_last_one_twice_are_refused_at_once(alice: User) -> None:
    names = (*(f"class {index}" for index in range(9_999)), "class 9998")
    began = time.process_time()
    with pytest.raises(DomainError) as refusal:
        draft_check(owner=alice, draft=replace(DRAFT, class_names=names))
    assert "“class 9998” is listed twice" in refusal.value.fields["class_names"]
    assert time.process_time() - began < 0.5
