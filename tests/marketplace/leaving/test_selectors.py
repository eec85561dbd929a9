"""What has to be settled before an account is closed, and what would go."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from marketplace.accounts.models import Membership, Role, Team, User
from marketplace.jobs.models import Job
from marketplace.leaving.selectors import closing_obstacles, owned_counts


def test_only_the_last_owner_of_a_team_with_members_must_name_another(
    alice: User, bob: User, charlie: User, team: Team
) -> None:
    (told,) = closing_obstacles(alice)
    assert told.startswith("You are the last owner of the team “Botany”")
    assert closing_obstacles(bob) == closing_obstacles(charlie) == []
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    assert closing_obstacles(alice) == []
    Membership.objects.filter(user=bob).delete()
    assert closing_obstacles(alice) == []


def test_a_quarantine_is_for_the_operator_to_end(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("suspect", quarantined_at=timezone.now())
    (told,) = closing_obstacles(alice)
    assert "“suspect” is in quarantine" in told


def test_everything_is_counted(job: Job, alice: User, bob: User) -> None:
    assert owned_counts(alice) == {"models": 2, "pools": 1, "jobs": 1, "meta-learners": 0}
    assert not any(owned_counts(bob).values())
