"""A team's owner invites a name, and learns nothing about it; the person accepts or declines."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketplace.accounts import invitations
from marketplace.accounts.invitations import (
    INVITATION_LIFETIME,
    INVITED,
    invitation_accept,
    invitation_decline,
    invitation_withdraw,
    invitations_delete_expired,
    team_invite,
)
from marketplace.accounts.models import Invitation, Membership, Role, Team, User
from marketplace.accounts.selectors import invitations_to, pending_in
from marketplace.core.errors import Conflict, DomainError, Forbidden
from tests.marketplace.audit.records import acts


@pytest.fixture
def invitation(team: Team, alice: User, charlie: User) -> Invitation:
    """Charlie is invited to Alice's team."""
    team_invite(team=team, by=alice, username="charlie")
    return charlie.invitations.get()


def names(team: Team) -> list[str]:
    """What an owner sees."""
    return [row.name for row in pending_in(team)]


def let_pass(time: timedelta) -> None:
    """All invitations are that much older."""
    for row in Invitation.objects.all():
        row.expires_at -= time
        row.save()


def test_the_invited_person_becomes_a_member_by_accepting_and_not_before(
    team: Team, alice: User, charlie: User
) -> None:
    team_invite(team=team, by=alice, username=" charlie ", role=Role.OWNER)
    assert not team.members.filter(pk=charlie.pk).exists()
    assert invitation_accept(invitation=charlie.invitations.get(), by=charlie) == team
    assert Membership.objects.get(team=team, user=charlie).role == Role.OWNER
    assert not Invitation.objects.exists()
    assert acts() == ["team.member_invited", "team.invitation_accepted"]


@pytest.mark.parametrize("name", ["charlie", "CHARLIE", "gone", "no one", "bob", "alice"])
def test_every_name_gets_the_same_answer(team: Team, alice: User, charlie: User, name: str) -> None:
    User.objects.create_user("gone", is_active=False)
    assert team_invite(team=team, by=alice, username=name) == INVITED
    assert names(team) == ([] if name in {"bob", "alice"} else [name])


def test_a_name_that_someone_has_is_as_much_work_as_one_that_no_one_has(
    team: Team, alice: User, charlie: User
) -> None:
    User.objects.create_user("gone", is_active=False)
    statements = []
    for name in ("charlie", "gone", "no one"):
        with CaptureQueriesContext(connection) as captured:
            team_invite(team=team, by=alice, username=name)
        sent = (query["sql"] for query in captured if "SAVEPOINT" not in query["sql"])
        statements.append([sql.split("WHERE")[0][:60] for sql in sent])
    assert len(statements[0]) > 8
    assert statements[0] == statements[1] == statements[2]


def test_letter_case_neither_hides_a_person_nor_makes_a_second_row(
    team: Team, alice: User, charlie: User
) -> None:
    for name in ("Charlie", "charlie", "Robin", "robin"):
        team_invite(team=team, by=alice, username=name)
    assert names(team) == ["charlie", "robin"]
    assert charlie.invitations.count() == 1


def test_of_two_names_in_other_letters_the_exact_one_is_meant_and_otherwise_none(
    team: Team, alice: User, charlie: User
) -> None:
    other = User.objects.create_user("Charlie")
    team_invite(team=team, by=alice, username="Charlie")
    assert Invitation.objects.get().user == other
    team_invite(team=team, by=alice, username="CHARLIE")
    assert Invitation.objects.get().user is None


def test_the_list_keeps_what_was_typed_when_an_operator_renames_the_person(
    team: Team, alice: User, charlie: User, invitation: Invitation
) -> None:
    User.objects.filter(pk=charlie.pk).update(username="robin")
    team_invite(team=team, by=alice, username="robin")
    assert names(team) == ["charlie", "robin"]
    assert charlie.invitations.get().name == "robin"


def test_who_signs_up_later_with_an_invited_name_is_not_invited(team: Team, alice: User) -> None:
    team_invite(team=team, by=alice, username="robin")
    robin = User.objects.create_user("robin")
    assert not invitations_to(robin).exists()
    team_invite(team=team, by=alice, username="robin")
    assert invitations_to(robin).get().team == team


def test_inviting_a_name_again_renews_the_invitation(
    team: Team, alice: User, bob: User, charlie: User, invitation: Invitation
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    let_pass(timedelta(days=13))
    team_invite(team=team, by=bob, username="charlie", role=Role.OWNER)
    row = charlie.invitations.get()
    assert (row.pk, row.role, row.invited_by) == (invitation.pk, Role.OWNER, bob)
    assert row.expires_at > timezone.now() + INVITATION_LIFETIME - timedelta(minutes=1)


def test_only_an_owner_invites(team: Team, alice: User, bob: User, charlie: User) -> None:
    for by in (bob, charlie):
        with pytest.raises(Forbidden, match="Only an owner"):
            team_invite(team=team, by=by, username="robin")
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("said", "field"), [({"username": " \t"}, "username"), ({"role": "king"}, "role")]
)
def test_an_invitation_needs_a_name_and_a_role_that_there_is(
    team: Team, alice: User, said: dict[str, str], field: str
) -> None:
    with pytest.raises(DomainError) as refused:
        team_invite(team=team, by=alice, **{"username": "charlie", **said})
    assert set(refused.value.fields) == {field}


def test_no_one_is_invited_to_a_team_that_was_deleted_a_moment_ago(team: Team, alice: User) -> None:
    Team.objects.filter(pk=team.pk).delete()
    with pytest.raises(Conflict, match="just been deleted"):
        team_invite(team=team, by=alice, username="charlie")


@pytest.mark.parametrize("name", ["charlie", "no one", "bob"])
def test_a_team_has_so_many_open_invitations_whatever_the_name(
    team: Team, alice: User, charlie: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(invitations, "MAX_PENDING_PER_TEAM", 2)
    for other in ("robin", "wren"):
        team_invite(team=team, by=alice, username=other)
    with pytest.raises(Conflict, match="at most 2 open invitations"):
        team_invite(team=team, by=alice, username=name)
    team_invite(team=team, by=alice, username="wren")
    let_pass(INVITATION_LIFETIME)
    assert team_invite(team=team, by=alice, username=name) == INVITED


def test_the_owner_cannot_tell_a_declined_invitation_from_a_name_that_no_one_has(
    team: Team, alice: User, charlie: User, invitation: Invitation
) -> None:
    team_invite(team=team, by=alice, username="no one")
    invitation_decline(invitation=invitation, by=charlie)
    assert not invitations_to(charlie).exists()
    assert names(team) == ["charlie", "no one"]
    assert not pending_in(team).exclude(user=None).exists()
    assert acts()[-1] == "team.invitation_declined"
    with pytest.raises(Conflict, match="no longer open"):
        invitation_accept(invitation=invitation, by=charlie)


def test_who_declined_can_be_invited_again(
    team: Team, alice: User, charlie: User, invitation: Invitation
) -> None:
    invitation_decline(invitation=invitation, by=charlie)
    team_invite(team=team, by=alice, username="charlie")
    invitation_accept(invitation=charlie.invitations.get(), by=charlie)
    assert team.members.filter(pk=charlie.pk).exists()


def test_an_owner_withdraws_an_invitation_once_and_others_cannot(
    team: Team, alice: User, bob: User, charlie: User, invitation: Invitation
) -> None:
    for by in (bob, charlie):
        with pytest.raises(Forbidden):
            invitation_withdraw(invitation=invitation, by=by)
    for _ in range(2):
        invitation_withdraw(invitation=invitation, by=alice)
    assert acts().count("team.invitation_withdrawn") == 1
    with pytest.raises(Conflict, match="no longer open"):
        invitation_accept(invitation=invitation, by=charlie)


@pytest.mark.parametrize("answer", [invitation_accept, invitation_decline])
def test_no_one_answers_the_invitation_of_another(
    team: Team, bob: User, invitation: Invitation, answer: Callable[..., object]
) -> None:
    with pytest.raises(Conflict, match="no longer open"):
        answer(invitation=invitation, by=User.objects.create_user("dora"))
    assert Invitation.objects.get().user == invitation.user


def test_an_invitation_expires_after_fourteen_days(
    team: Team, charlie: User, invitation: Invitation
) -> None:
    let_pass(timedelta(days=13, hours=23))
    assert invitations_to(charlie).exists()
    let_pass(timedelta(hours=1))
    assert not invitations_to(charlie).exists() and not names(team)
    with pytest.raises(Conflict, match="has expired"):
        invitation_accept(invitation=invitation, by=charlie)
    assert Invitation.objects.exists()
    invitations_delete_expired()
    assert not Invitation.objects.exists()


def test_an_invitation_ends_with_its_team(
    team: Team, charlie: User, invitation: Invitation
) -> None:
    Team.objects.filter(pk=team.pk).delete()
    with pytest.raises(Conflict, match="no longer open"):
        invitation_accept(invitation=invitation, by=charlie)


def test_who_is_a_member_already_keeps_their_role(
    team: Team, charlie: User, invitation: Invitation
) -> None:
    Membership.objects.create(team=team, user=charlie, role=Role.OWNER)
    invitation_accept(invitation=invitation, by=charlie)
    assert Membership.objects.get(team=team, user=charlie).role == Role.OWNER


@pytest.mark.parametrize("declined", [False, True])
def test_with_a_person_their_invitations_go(
    team: Team, alice: User, charlie: User, invitation: Invitation, declined: bool
) -> None:
    if declined:
        invitation_decline(invitation=invitation, by=charlie)
    charlie.delete()
    assert not Invitation.objects.exists()


def test_an_invitation_outlives_the_account_of_who_wrote_it(
    team: Team, alice: User, charlie: User, invitation: Invitation
) -> None:
    alice.delete()
    assert charlie.invitations.get().invited_by is None
    invitation_accept(invitation=invitation, by=charlie)
