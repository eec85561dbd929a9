"""Writes about meta-learners."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from marketplace.accounts.models import Team, User, Visibility
from marketplace.accounts.services import sharing_check
from marketplace.algorithms.models import AlgorithmSpec
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import DomainError
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner


@transaction.atomic
def learner_publish(
    *,
    job: Job,
    learner_id: UUID,
    config: Mapping[str, Any],
    card: str,
    provenance: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
) -> MetaLearner:
    """The row of a job's result; its files are stored already.

    A second call for the same job (the worker died between row and job state) replaces the row,
    which is harmless because the files are the same.
    """
    MetaLearner.objects.filter(job=job).exclude(pk=learner_id).delete()
    learner, _ = MetaLearner.objects.update_or_create(
        id=learner_id,
        defaults={
            "job": job,
            "owner_id": job.owner_id,
            "team_id": job.team_id,
            "visibility": job.visibility,
            "name": f"{_title(job.algorithm)} on {job.pool.name}"[:160],
            "config": dict(config),
            "card": card,
            "provenance": list(provenance),
            "files": list(files),
        },
    )
    return learner


def _title(algorithm: str) -> str:
    """What people call the algorithm; its name when no worker publishes it any more."""
    spec = AlgorithmSpec.objects.filter(name=algorithm).first()
    return spec.title if spec else algorithm


@transaction.atomic
def learner_change(*, learner: MetaLearner, by: User, values: Mapping[str, Any]) -> MetaLearner:
    """Rename it or change who may see it."""
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


def _share(learner: MetaLearner, by: User, visibility: str, team: Team | None) -> None:
    sharing_check(owner=by, visibility=visibility, team=team)
    learner.visibility = visibility
    learner.team = team if visibility == Visibility.TEAM else None
