"""Reads about pools, and what fits together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from marketplace.accounts.selectors import Person, editable_by, visible_to
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.pools.models import Pool

MAX_POOL_SIZE = 500


def pools_visible_to(user: Person) -> "QuerySet[Pool]":
    """The pools this person may see, with the number of models in each."""
    rows = Pool.objects.select_related("owner", "team").annotate(n_models=Count("members"))
    # A query that groups forgets the order of its model.
    return visible_to(rows, user).order_by("-created_at", "-id")


def pools_editable_by(user: Person) -> "QuerySet[Pool]":
    """The pools this person may change."""
    return editable_by(Pool.objects.select_related("owner", "team"), user)


def pool_checkpoints(pool: Pool) -> list[Checkpoint]:
    """The models of the pool in their order."""
    members = pool.members.select_related("checkpoint__owner").order_by("position")
    return [member.checkpoint for member in members]


@dataclass(frozen=True)
class Fit:
    """What a choice of models amounts to. `problems` is empty when it can be a pool."""

    n_models: int = 0
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


def pool_fit(checkpoints: Sequence[Checkpoint]) -> Fit:
    """See at once whether models fit together, and which scenario they make."""
    datasets = sorted({row.dataset.strip().lower() for row in checkpoints if row.dataset.strip()})
    architectures = sorted({row.architecture for row in checkpoints if row.architecture})
    channels = {row.channels for row in checkpoints}
    scenario = "MH" if len(datasets) > 1 else "SH" if len(architectures) > 1 else "SS"
    return Fit(
        n_models=len(checkpoints),
        scenario=scenario,
        scenario_title=SCENARIOS[scenario],
        channels=channels.pop() if len(channels) == 1 else None,
        image_sizes=sorted({row.image_size for row in checkpoints}),
        architectures=architectures,
        datasets=datasets,
        n_classes_min=min((row.n_classes for row in checkpoints), default=0),
        n_class_names=len({name for row in checkpoints for name in row.class_names}),
        previews=bool(checkpoints) and all(row.consent_preview for row in checkpoints),
        problems=_problems(checkpoints),
    )


def _problems(checkpoints: Sequence[Checkpoint]) -> list[str]:
    problems = []
    if len(checkpoints) < 2:
        problems.append("A pool needs at least two models; add another one.")
    if len(checkpoints) > MAX_POOL_SIZE:
        problems.append(f"A pool has at most {MAX_POOL_SIZE} models; leave some out.")
    if len({row.channels for row in checkpoints}) > 1:
        problems.append(
            "Colour and grey models do not fit together; choose models with the same channels."
        )
    for row in checkpoints:
        if row.state != CheckpointState.VALID:
            problems.append(f"“{row.name}” is not validated; leave it out or wait for it.")
        elif row.is_quarantined:
            problems.append(f"“{row.name}” is in quarantine; leave it out.")
        elif not row.consent_recovery:
            problems.append(
                f"The owner of “{row.name}” has not consented to recovery; leave it out."
            )
    return problems
