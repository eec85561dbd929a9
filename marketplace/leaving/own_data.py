"""What an instance holds of a person, as plain data."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Model, QuerySet

from marketplace.accounts.models import ApiToken, Membership, User
from marketplace.audit.chain import as_line
from marketplace.audit.models import Record
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job
from marketplace.jobs.selectors import job_curves, job_events
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import learner_lineage
from marketplace.pools.models import Pool
from marketplace.pools.selectors import Member, pool_members
from marketplace.uploads.models import Upload

_Row = TypeVar("_Row", bound=Model)
_BATCH = 100
# What serves only the processes that write the rows, and secrets.
_LEFT_OUT = frozenset(
    {
        *("owner", "user", "password", "digest", "data", "session_key", "snapshot_secret"),
        *("idempotency_key", "request_digest", "lease", "lease_until", "woken_at", "multipart"),
        *("attempt", "lost_attempts", "stored_by", "worker"),
    }
)


def account_data(user: User) -> dict[str, Any]:
    """Return profile, teams, tokens, sessions and second factors, without any secret."""
    memberships = Membership.objects.filter(user=user).select_related("team").order_by("pk")
    return {
        "profile": _values(user),
        "email_addresses": _all(EmailAddress.objects.filter(user=user)),
        "teams": [
            {"id": row.team_id, "name": row.team.name, "role": row.role} for row in memberships
        ],
        "tokens": _all(ApiToken.objects.filter(user=user)),
        "sessions": _all(UserSession.objects.filter(user=user)),
        "second_factors": _all(Authenticator.objects.filter(user=user)),
    }


def uploads_data(user: User) -> Iterator[dict[str, Any]]:
    yield from map(_values, in_batches(Upload.objects.filter(owner=user)))


def checkpoint_data(row: Checkpoint) -> dict[str, Any]:
    return _values(row)


def pools_data(user: User) -> Iterator[dict[str, Any]]:
    for row in in_batches(Pool.objects.filter(owner=user)):
        yield {**_values(row), "models": [_member(seen) for seen in pool_members(row, user)]}


def _member(member: Member) -> dict[str, Any]:
    """Return a model of the pool, as far as the person may see it."""
    row = member.checkpoint
    if member.deleted:
        about = {"sha256": row.sha256, "architecture": row.architecture, "licence": row.licence}
        return {"deleted": True, **about}
    if not member.visible:
        return {"hidden": True}
    return {"id": row.pk, "name": row.name, "owner": row.owner.get_username()}


def jobs_data(user: User) -> Iterator[dict[str, Any]]:
    """Yield the jobs with curves and log."""
    for row in in_batches(Job.objects.filter(owner=user)):
        events = [{"at": event.at, "text": event.text} for event in job_events(row)]
        yield {**_values(row), "curves": job_curves(row), "events": events}


def learner_data(row: MetaLearner, user: User) -> dict[str, Any]:
    return {**_values(row), "provenance": learner_lineage(row, user)}


def audit_data(user: User) -> Iterator[dict[str, Any]]:
    """Yield the records of what the person did."""
    yield from map(as_line, in_batches(Record.objects.filter(person_id=user.pk)))


def in_batches(rows: "QuerySet[_Row]") -> Iterator[_Row]:
    """Yield the rows in the order of their keys.

    No cursor stays open meanwhile: a person on a slow line would otherwise hold the database's log.
    """
    last: Any = None
    while True:
        more = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        batch = list(more[:_BATCH])
        yield from batch
        if len(batch) < _BATCH:
            return
        last = batch[-1].pk


def _all(rows: "QuerySet[Any]") -> list[dict[str, Any]]:
    return [_values(row) for row in rows.order_by("pk")]


def _values(row: Model) -> dict[str, Any]:
    fields: Mapping[str, Any] = {
        field.name: field.value_from_object(row) for field in row._meta.concrete_fields
    }
    return {name: value for name, value in fields.items() if name not in _LEFT_OUT}
