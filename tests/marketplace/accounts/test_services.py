"""People, teams and tokens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.accounts import services
from marketplace.accounts.models import ApiToken, Membership, Role, Team, User
from marketplace.accounts.selectors import teams_of, token_digest, tokens_of
from marketplace.accounts.services import (
    team_change_role,
    team_create,
    team_remove_member,
    team_rename,
    token_create,
    token_revoke,
    token_use,
)
from marketplace.audit.models import Record
from marketplace.core.errors import Conflict, DomainError


def test_of_a_token_only_the_hash_is_kept(alice: User) -> None:
    row, secret = token_create(user=alice, name="laptop")
    stored = ApiToken.objects.values().get()
    assert row.digest == token_digest(secret)
    assert not any(secret in str(value) for value in stored.values())


def test_a_token_belongs_to_its_person_until_it_is_revoked(alice: User) -> None:
    row, secret = token_create(user=alice, name="laptop")
    assert token_use(secret=secret).user == alice
    assert token_use(secret=f"{secret}x") is None
    token_revoke(token=row, by=alice)
    assert token_use(secret=secret) is None


def test_a_closed_account_has_no_token(alice: User) -> None:
    _, secret = token_create(user=alice, name="laptop")
    alice.is_active = False
    alice.save()
    assert token_use(secret=secret) is None


@pytest.mark.parametrize(
    ("since", "noted"),
    [
        (timedelta(seconds=30), False),
        (timedelta(seconds=61), True),
        (timedelta(days=1, seconds=5), True),
        (timedelta(days=400), True),
    ],
)
def test_the_use_of_a_token_is_noted_once_a_minute(
    alice: User, since: timedelta, noted: bool
) -> None:
    _, secret = token_create(user=alice, name="laptop")
    token_use(secret=secret)
    before = timezone.now() - since
    ApiToken.objects.update(last_used_at=before)
    token_use(secret=secret)
    assert (ApiToken.objects.get().last_used_at != before) == noted


def test_a_person_has_so_many_tokens_and_no_more(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_TOKENS_PER_PERSON", 2)
    for name in ("a", ""):
        token_create(user=alice, name=name)
    with pytest.raises(DomainError, match="revoke"):
        token_create(user=alice, name="c")
    token_create(user=bob, name="x" * 100)
    assert {row.name for row in tokens_of(alice)} == {"a", "token"}
    assert len(tokens_of(bob).get().name) == 80


def test_a_team_begins_with_its_owner(alice: User) -> None:
    team = team_create(owner=alice, name=" Botany ")
    assert team.name == "Botany"
    assert Membership.objects.get(team=team).role == Role.OWNER
    assert list(teams_of(alice)) == [team]


@pytest.mark.parametrize("name", ["", "   ", "BOTANY"])
def test_a_team_needs_a_name_of_its_own(alice: User, name: str) -> None:
    team_create(owner=alice, name="Botany")
    with pytest.raises(DomainError) as caught:
        team_create(owner=alice, name=name)
    assert set(caught.value.fields) == {"name"}
    assert Team.objects.count() == 1


def test_an_owner_takes_anybody_out_and_others_only_themselves(
    alice: User, bob: User, charlie: User, team: Team
) -> None:
    Membership.objects.create(team=team, user=charlie)
    with pytest.raises(DomainError, match="Only an owner"):
        team_remove_member(team=team, by=bob, user=charlie)
    team_remove_member(team=team, by=charlie, user=charlie)
    team_remove_member(team=team, by=alice, user=bob)
    assert list(team.members.all()) == [alice]


def test_the_last_owner_stays(alice: User, bob: User, team: Team) -> None:
    with pytest.raises(DomainError, match="at least one owner"):
        team_remove_member(team=team, by=alice, user=alice)
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    team_remove_member(team=team, by=alice, user=alice)
    assert list(team.members.all()) == [bob]


def test_a_token_needs_at_least_one_scope_and_only_known_ones(alice: User) -> None:
    for scopes in ([], ["everything"]):
        with pytest.raises(DomainError) as caught:
            token_create(user=alice, name="x", scopes=scopes)
        assert set(caught.value.fields) == {"scopes"}


def test_a_role_that_there_is_not_is_refused(alice: User, bob: User, team: Team) -> None:
    with pytest.raises(DomainError) as caught:
        team_change_role(team=team, by=alice, user=bob, role="king")
    assert set(caught.value.fields) == {"role"}


def test_a_team_may_keep_its_name_in_other_letters_but_take_nobody_elses(
    alice: User, team: Team
) -> None:
    team_create(owner=alice, name="Zoology")
    assert team_rename(team=team, by=alice, name="BOTANY").name == "BOTANY"
    with pytest.raises(DomainError):
        team_rename(team=team, by=alice, name="zoology")


def test_of_two_who_choose_a_name_at_once_one_is_told_that_it_is_taken(
    alice: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_team_name", lambda name, team=None: name)
    with pytest.raises(DomainError, match="with that name"):
        team_create(owner=alice, name=team.name)
    other = team_create(owner=alice, name="Zoology")
    with pytest.raises(DomainError, match="with that name"):
        team_rename(team=other, by=alice, name=team.name)
    assert Team.objects.get(pk=other.pk).name == "Zoology"


def test_a_member_who_left_a_moment_ago_gets_no_role_and_leaves_no_second_record(
    alice: User, bob: User, team: Team
) -> None:
    team_remove_member(team=team, by=bob, user=bob)
    team_remove_member(team=team, by=alice, user=bob)
    assert Record.objects.filter(act="team.member_removed").count() == 1
    with pytest.raises(Conflict, match="just left"):
        team_change_role(team=team, by=alice, user=bob, role=Role.OWNER)
