from marketplace.accounts.models import Membership, Role, Team, User
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool


def closing_obstacles(user: User) -> list[str]:
    """Return what the person has to settle before the account can be closed, as sentences."""
    held = Checkpoint.objects.filter(owner=user, quarantined_at__isnull=False)
    return [
        *(
            f"You are the last owner of the team “{team}”, which has other members; make one of "
            "them owner first, or delete the team."
            for team in _teams_without_another_owner(user)
        ),
        *(
            f"“{row.name}” is in quarantine; your operator has to decide about it first."
            for row in held
        ),
    ]


def _teams_without_another_owner(user: User) -> list[Team]:
    mine = Team.objects.filter(membership__user=user, membership__role=Role.OWNER)
    return [
        team
        for team in mine
        if (others := Membership.objects.filter(team=team).exclude(user=user)).exists()
        and not others.filter(role=Role.OWNER).exists()
    ]


def owned_counts(user: User) -> dict[str, int]:
    """Return how much of each kind the person has."""
    kinds = {
        "models": Checkpoint,
        "pools": Pool,
        "jobs": Job,
        "meta-learners": MetaLearner,
    }
    return {name: kind.objects.filter(owner=user).count() for name, kind in kinds.items()}  # type: ignore[attr-defined]
