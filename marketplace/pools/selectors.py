"""Reads about pools, and the check whether models fit together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, QuerySet

from marketplace.accounts.selectors import Person, editable_by, visible_to
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.checkpoints.states import CheckpointState
from marketplace.pools.models import Pool

MAX_POOL_SIZE = 500
DELETED = "A model of this pool was deleted by its owner; make a new pool."


def pools_visible_to(user: Person) -> "QuerySet[Pool]":
    """Return the visible pools, annotated with their number of models."""
    rows = Pool.objects.select_related("owner", "team").annotate(n_models=Count("members"))
    # A grouped query ignores the model's ordering.
    return visible_to(rows, user).order_by("-created_at", "-id")


def pools_editable_by(user: Person) -> "QuerySet[Pool]":
    return editable_by(Pool.objects.select_related("owner", "team"), user)


def pool_deleted(pool: Pool) -> list[Checkpoint]:
    """Return what is left of those of its models that their owners have deleted."""
    return [row for row in pool_checkpoints(pool) if row.is_deleted]


def pool_checkpoints(pool: Pool) -> list[Checkpoint]:
    """Return the models of the pool in order."""
    members = pool.members.select_related("checkpoint__owner").order_by("position")
    return [member.checkpoint for member in members]


@dataclass(frozen=True)
class Member:
    """A model of a pool as one user sees it. An invisible one is only counted.

    A deleted one is invisible; everyone is told its hash, architecture and licence.
    """

    checkpoint: Checkpoint
    visible: bool

    @property
    def deleted(self) -> bool:
        return self.checkpoint.is_deleted


def pool_members(pool: Pool, user: Person) -> list[Member]:
    """Return the pool's models in order, and whether this user may see each of them now."""
    rows = pool_checkpoints(pool)
    seen = set(
        checkpoints_visible_to(user)
        .filter(pk__in=[row.pk for row in rows])
        .values_list("pk", flat=True)
    )
    return [Member(row, row.pk in seen) for row in rows]


@dataclass(frozen=True)
class Fit:
    """The fit of the chosen models. `problems` is empty if they can form a pool.

    Hidden models affect only `n_models`, `n_hidden`, `previews` and `problems`, which do not name
    them.
    """

    n_models: int = 0
    n_hidden: int = 0
    n_deleted: int = 0
    scenario: str = ""
    scenario_title: str = ""
    channels: int | None = None
    image_sizes: list[int] = field(default_factory=list)
    architectures: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    n_classes_min: int = 0
    n_class_names: int = 0
    previews: bool = False
    problems: list[str] = field(default_factory=list)


SCENARIOS = {
    "SS": "one data set, one architecture",
    "SH": "one data set, several architectures",
    "MH": "several data sets",
}


def members_fit(members: Sequence[Member]) -> Fit:
    """Return the fit of a pool as one user sees it."""
    hidden = {row.checkpoint.pk for row in members if not row.visible and not row.deleted}
    return pool_fit([member.checkpoint for member in members], hidden=hidden)


def pool_fit(chosen: Sequence[Checkpoint], *, hidden: Collection[UUID] = ()) -> Fit:
    """Return how the models fit together, without naming those in `hidden`."""
    present = [row for row in chosen if not row.is_deleted]
    checkpoints = [row for row in present if row.pk not in hidden]
    datasets = sorted({row.dataset.strip().lower() for row in checkpoints if row.dataset.strip()})
    architectures = sorted({row.architecture for row in checkpoints if row.architecture})
    channels = {row.channels for row in checkpoints}
    scenario = "MH" if len(datasets) > 1 else "SH" if len(architectures) > 1 else "SS"
    return Fit(
        n_models=len(chosen),
        n_hidden=len(present) - len(checkpoints),
        n_deleted=len(chosen) - len(present),
        scenario=scenario,
        scenario_title=SCENARIOS[scenario],
        channels=channels.pop() if len(channels) == 1 else None,
        image_sizes=sorted({row.image_size for row in checkpoints}),
        architectures=architectures,
        datasets=datasets,
        n_classes_min=min((row.n_classes for row in checkpoints), default=0),
        n_class_names=len({name for row in checkpoints for name in row.class_names}),
        previews=bool(chosen) and all(row.consent_preview for row in chosen),
        problems=_problems(chosen, hidden),
    )


def _problems(checkpoints: Sequence[Checkpoint], hidden: Collection[UUID]) -> list[str]:
    problems = []
    if any(row.is_deleted for row in checkpoints):
        problems.append(DELETED)
        checkpoints = [row for row in checkpoints if not row.is_deleted]
    elif len(checkpoints) < 2:
        problems.append("A pool needs at least two models; add another one.")
    if len(checkpoints) > MAX_POOL_SIZE:
        problems.append(f"A pool has at most {MAX_POOL_SIZE} models; leave some out.")
    if len({row.channels for row in checkpoints}) > 1:
        problems.append(
            "Colour and grey models do not fit together; choose models with the same channels."
        )
    unusable = {row.pk: problem for row in checkpoints if (problem := _problem_of(row))}
    problems += [problem for pk, problem in unusable.items() if pk not in hidden]
    if any(pk in hidden for pk in unusable):
        # The model and the reason are between its owner and the staff.
        problems.append("A model that is not shared with you cannot be used; make a new pool.")
    return problems


def _problem_of(row: Checkpoint) -> str:
    if row.state != CheckpointState.VALID:
        return f"“{row.name}” is not validated; leave it out or wait for it."
    if row.is_quarantined:
        return f"“{row.name}” is in quarantine; leave it out."
    if not row.consent_recovery:
        return f"The owner of “{row.name}” has not consented to recovery; leave it out."
    return ""
