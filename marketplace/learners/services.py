import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from marketplace.accounts.models import Team, User, Visibility
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.core.errors import Conflict, DomainError
from marketplace.jobs.consent import DELETED
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool

_HEADING = re.compile("^# .*$", re.MULTILINE)


class ModelDeleted(Conflict):
    """A model of the pool was deleted while the job ran."""


@transaction.atomic
def learner_publish(
    *,
    job: Job,
    learner_id: UUID,
    config: Mapping[str, Any],
    card: str,
    provenance: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
    copied: Sequence[Checkpoint] = (),
) -> MetaLearner:
    """Create the row of a job's result, whose files are already stored.

    It is shared like the job, but private if the job is shared more widely than one of the models
    whose weights it contains (`copied`). A second call for the same job, after a worker died
    between the two writes, replaces the row. That is harmless, because the files are the same.
    Raise ModelDeleted if the owner of one of the models has deleted it meanwhile.
    """
    _check_not_deleted(job)
    wider = any(not _reaches(row, job.visibility, job.team_id) for row in copied)
    MetaLearner.objects.filter(job=job).exclude(pk=learner_id).delete()
    learner, _ = MetaLearner.objects.update_or_create(
        id=learner_id,
        defaults={
            "job": job,
            "owner_id": job.owner_id,
            "team_id": None if wider else job.team_id,
            "visibility": Visibility.PRIVATE if wider else job.visibility,
            "name": f"{job.title} on {job.pool.name}"[:160],
            "config": dict(config),
            "card": card,
            "provenance": list(provenance),
            "files": list(files),
        },
    )
    learner.copied_models.set(copied)
    return learner


def _check_not_deleted(job: Job) -> None:
    """Raise ModelDeleted if a model of the pool is gone. Otherwise it stays until the commit."""
    rows = Checkpoint.objects.filter(pools__pool=job.pool_id).order_by("pk")
    held = list(rows.select_for_update(of=("self",)).only("state"))
    if any(row.is_deleted for row in held):
        raise ModelDeleted(DELETED)


@transaction.atomic
def learner_change(*, learner: MetaLearner, by: User, values: Mapping[str, Any]) -> MetaLearner:
    if "name" in values:
        name = " ".join(str(values["name"]).split())
        if not name or len(name) > 160:
            message = "Give it a name of at most 160 characters."
            raise DomainError(message, fields={"name": message})
        learner.name = name
    if "visibility" in values:
        _share(learner, by, values["visibility"], values.get("team"))
    learner.save(update_fields=["name", "visibility", "team"])
    record(Act.LEARNER_CHANGED, by=by, row=learner, visibility=learner.visibility)
    return learner


def learners_rename_pool(*, pool: Pool, before: str) -> None:
    """Take a pool's former name out of what its meta-learners are called.

    A name that their owner has given stays.
    """
    for learner in MetaLearner.objects.filter(job__pool=pool).select_related("job"):
        given, name = (f"{learner.job.title} on {said}" for said in (before, pool.name))
        if learner.name == given[:160]:
            learner.name = name[:160]
        made_by = learner.config.get("made_by") or {}
        if made_by.get("name") == given:
            made_by["name"] = name
            # The heading of the card is that name.
            heading = f"# {name}".replace("\\", r"\\")
            learner.card = _HEADING.sub(heading, learner.card, count=1)
        learner.save(update_fields=["name", "card", "config"])


def _share(learner: MetaLearner, by: User, visibility: str, team: Team | None) -> None:
    team = MetaLearner.check_sharing(by, visibility, team)["team"]
    if (visibility, team) != (learner.visibility, learner.team):
        _check_copies(learner, by, visibility, team)
    learner.visibility, learner.team = visibility, team


def _check_copies(learner: MetaLearner, by: User, visibility: str, team: Team | None) -> None:
    """Raise DomainError if others would get weights of a model that is not shared with them."""
    rows = learner.copied_models.select_related("team").order_by("name", "pk")
    team_id = team.pk if team else None
    narrower = [row for row in rows if not _reaches(row, visibility, team_id)]
    if narrower:
        message = f"This learner holds the weights of {_how_far(narrower, by)}."
        raise DomainError(message, fields={"visibility": message})


def _reaches(model: Checkpoint, visibility: str, team_id: UUID | None) -> bool:
    """Return whether the model is shared at least as widely as this."""
    if visibility == Visibility.PRIVATE or model.visibility == Visibility.PUBLIC:
        return True
    both_team = visibility == model.visibility == Visibility.TEAM
    return both_team and model.team_id == team_id


def _how_far(models: Sequence[Checkpoint], by: User) -> str:
    """Describe how widely the models are shared, and what to do. Hidden models are not named."""
    if any(model.is_deleted for model in models):
        return "a model that its owner has deleted; keep it private"
    pks = [model.pk for model in models]
    if checkpoints_visible_to(by).filter(pk__in=pks).count() < len(pks):
        return "a model that is not shared with you; keep it private"
    private = next((row for row in models if row.visibility == Visibility.PRIVATE), None)
    if private:
        cure = ", or share that model first" if private.owner_id == by.pk else ""
        return f"“{private.name}”, which is private; keep it private{cure}"
    first, *others = models
    if any(row.team_id != first.team_id for row in others):
        return "models that are shared with different teams; keep it private"
    team = first.team.name if first.team else ""
    return (
        f"“{first.name}”, which is shared with the team “{team}” only; share it with that team at "
        "most"
    )
