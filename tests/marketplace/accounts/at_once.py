"""What `test_invitations_at_once.py` does in the instance: many threads, each its connection."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.core.management import call_command
from django.db import connection

from marketplace.accounts.invitations import (
    invitation_accept,
    invitation_decline,
    invitation_withdraw,
    team_invite,
)
from marketplace.accounts.models import Invitation, Membership, Role, Team, User
from marketplace.accounts.services import team_create
from marketplace.core.errors import DomainError

AT_ONCE = 16


def run() -> None:
    """Print what came of it, as one line of JSON."""
    call_command("migrate", interactive=False, verbosity=0)
    alice, bob, charlie = (User.objects.create(username=name) for name in ("a", "b", "charlie"))
    team = team_create(owner=alice, name="Botany")
    Membership.objects.create(team=team, user=bob, role=Role.OWNER)
    owners = [alice, bob] * (AT_ONCE // 2)
    found = {
        "same name": _all([_invite(team, by, "charlie") for by in owners]),
        "rows": Invitation.objects.count(),
        "other names": _all([_invite(team, by, f"n{i}") for i, by in enumerate(owners)]),
    }
    for index in range(AT_ONCE, 45):
        team_invite(team=team, by=alice, username=f"n{index}")
    found["pending"] = Invitation.objects.count()
    found["beyond the quota"] = _all([_invite(team, by, f"m{i}") for i, by in enumerate(owners)])
    found["full"] = Invitation.objects.count()
    rounds: Counter[str] = Counter()
    for _ in range(10):
        rounds += Counter(_answer_in_every_way(team, alice, charlie))
    found["answers"] = rounds
    sys.stdout.write(json.dumps(found) + "\n")


def _invite(team: Team, by: User, name: str) -> Callable[[], object]:
    return lambda: team_invite(team=team, by=by, username=name)


def _answer_in_every_way(team: Team, owner: User, user: User) -> dict[str, int]:
    Membership.objects.filter(team=team, user=user).delete()
    Invitation.objects.filter(team=team).delete()
    team_invite(team=team, by=owner, username=user.username)
    row = user.invitations.get()
    said = _all(
        [
            lambda: invitation_accept(invitation=row, by=user),
            lambda: invitation_decline(invitation=row, by=user),
            lambda: invitation_withdraw(invitation=row, by=owner),
            _invite(team, owner, user.username),
        ]
        * 3
    )
    assert Invitation.objects.filter(team=team).count() <= 1
    return said


def _all(calls: list[Callable[[], object]]) -> dict[str, int]:
    """Make all calls at once. Return how many ended in which way."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return Counter(threads.map(_one, calls))


def _one(call: Callable[[], object]) -> str:
    try:
        call()
    except DomainError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - the test shows it
        return repr(error)
    finally:
        connection.close()
    return "done"
