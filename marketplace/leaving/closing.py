"""Closing an account: everything of the person goes, except what others depend on.

All rows go in one transaction. Files, which cannot be rolled back, follow it; those that a process
leaves behind because it dies are swept (`operations.sweeping`).
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import ApiToken, Membership, Team, User
from marketplace.adaptation.models import AdaptationSession
from marketplace.audit.emptying import record_closing
from marketplace.checkpoints.deleting import deleted_forget, row_delete
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.preview_store import preview_delete
from marketplace.jobs.freezing import jobs_using, pool_thaw_unused
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.learners.services import learners_rename_pool
from marketplace.leaving.receipts import Receipt
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_hand_over
from marketplace.uploads.models import Upload
from marketplace.uploads.services import discard_bytes

log = logging.getLogger(__name__)


@dataclass
class Closing:
    """The deletion of one person's rows, in the order in which they depend on each other."""

    user: User
    receipt: Receipt = field(init=False)
    # What is removed after the transaction.
    later: list[Callable[[], object]] = field(default_factory=list)
    # Ids of rows that are gone, which records of the audit log may name.
    rows: set[UUID] = field(default_factory=set)
    models: set[UUID] = field(default_factory=set)
    # Rows that operators may have named in the log of their pages.
    shown_to_operators: list[Model] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.receipt = Receipt(account=self.user.pk, closed_at=timezone.now())

    def run(self) -> None:
        """Delete the rows. The caller holds the person's lock, in a transaction."""
        self.name, self.shown_to_operators = self.user.get_username(), [self.user]
        # First the jobs: whatever their workers still write is refused from here on.
        pools = self._delete_jobs()
        self._delete_pools()
        for pk in sorted(pools):
            pool_thaw_unused(pool_id=pk)
        self._delete_models()
        self._delete_uploads()
        self._leave_teams()
        self._delete_access()
        User.objects.filter(pk=self.user.pk).delete()
        deleted_forget()
        self._say_what_stays()
        record_closing(person=self.user, name=self.name, rows=self.rows, **self._counts())

    def remove_files(self) -> None:
        """Remove what the rows referred to. An error is logged, because the account is closed."""
        for remove in self.later:
            try:
                remove()
            except Exception:
                log.exception("something of a closed account could not be removed; it is swept")

    def _delete_jobs(self) -> set[UUID]:
        """Delete jobs and meta-learners. Return the ids of the pools that they used."""
        jobs = list(_locked(Job.objects.filter(owner=self.user)))
        mine = Q(owner=self.user) | Q(job__in=jobs)
        learners = list(_locked(MetaLearner.objects.filter(mine)))
        self._delete_sessions(Q(user=self.user) | Q(learner__in=learners))
        for learner in learners:
            self._remove_keys(storage.learner_key(learner.pk, e["path"]) for e in learner.files)
        for job in jobs:
            self.later.append(partial(_remove_prefix, storage.snapshot_prefix(job.pk)))
            self.later.append(partial(preview_delete, str(job.pk)))
        self._delete("meta-learners", MetaLearner, learners)
        self._delete("jobs", Job, jobs)
        return {job.pool_id for job in jobs}

    def _delete_sessions(self, which: Q) -> None:
        rows = AdaptationSession.objects.filter(which)
        self._remove_keys(storage.adaptation_key(row.pk) for row in rows)
        rows.delete()

    def _delete_pools(self) -> None:
        pools = list(_locked(Pool.objects.filter(owner=self.user)))
        used = [pool for pool in pools if jobs_using(pool.pk).exists()]
        for pool in used:
            before = pool.name
            pool_hand_over(pool=pool)
            learners_rename_pool(pool=pool, before=before)
        unused = [pool for pool in pools if pool not in used]
        # What is left of others' jobs on them had not begun.
        Job.objects.filter(pool__in=unused).delete()
        self.rows |= {pool.pk for pool in used}
        self._delete("pools", Pool, unused)
        self.receipt.keep(
            "pools",
            len(used),
            "Jobs of other people have used them. They have no name and no owner any more, and no "
            "one sees them.",
        )

    def _delete_models(self) -> None:
        models = list(_locked(Checkpoint.objects.filter(owner=self.user)))
        self._delete_sessions(Q(checkpoint__in=models))
        for row in models:
            self._remove_keys(row_delete(row=row))
        self.models = {row.pk for row in models}
        self.rows |= self.models
        self.receipt.deleted["models"] = len(models)

    def _delete_uploads(self) -> None:
        uploads = list(_locked(Upload.objects.filter(owner=self.user)))
        self.later += [partial(discard_bytes, upload) for upload in uploads]
        self._delete("uploads", Upload, uploads)

    def _leave_teams(self) -> None:
        """Delete the teams that have no other member, and leave the others."""
        teams = list(_locked(Team.objects.filter(members=self.user)))
        others = Membership.objects.filter(team__in=teams).exclude(user=self.user)
        shared = set(others.values_list("team_id", flat=True))
        alone = [team for team in teams if team.pk not in shared]
        self.shown_to_operators += alone
        self._delete("teams", Team, alone)
        left, _ = Membership.objects.filter(user=self.user).delete()
        self.receipt.deleted["memberships"] = left

    def _delete_access(self) -> None:
        """Delete tokens, sessions, second factors, addresses, and what operators' logs say."""
        kinds: dict[str, Any] = {
            "tokens": ApiToken,
            "signed-in browsers": UserSession,
            "second factors": Authenticator,
            "e-mail addresses": EmailAddress,
        }
        for what, kind in kinds.items():
            rows = list(kind.objects.filter(user=self.user))
            self.shown_to_operators += rows
            self._delete(what, kind, rows)
        mine = [
            session.pk
            for session in Session.objects.iterator()
            if session.get_decoded().get("_auth_user_id") == str(self.user.pk)
        ]
        Session.objects.filter(pk__in=mine).delete()
        for row in self.shown_to_operators:
            kind = ContentType.objects.get_for_model(row)
            LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).delete()
        for name in ("architectures", "datasets"):
            self.later.append(partial(cache.delete, f"{name}:{self.user.pk}"))

    def _say_what_stays(self) -> None:
        keep = self.receipt.keep
        deleted = Checkpoint.objects.filter(pk__in=self.models).count()
        keep(
            "deleted models",
            deleted,
            "Jobs of other people have used them. Their lineage keeps hash, architecture, size and "
            "licence, without name and owner.",
        )
        learners = MetaLearner.objects.filter(job__pool__checkpoints__in=self.models).distinct()
        keep(
            "meta-learners of other people",
            learners.count(),
            "They were made from your models. Files that were made while a model was public name "
            "it and you, because people compare these files by their hashes; if such a "
            "meta-learner held your weights, its files are deleted.",
        )
        keep(
            "records in the audit log",
            None,
            "The log can only grow. Records that named you keep time, act and the number of your "
            "account, and have lost names, addresses and details.",
        )
        keep(
            "backups and downloads",
            None,
            "Your operator's backups hold what they held until they are replaced, and what other "
            "people have downloaded is theirs.",
        )

    def _counts(self) -> dict[str, int]:
        return {re.sub(r"\W", "_", name): n for name, n in self.receipt.deleted.items()}

    def _delete(self, what: str, kind: Any, rows: list[Any]) -> None:
        keys = [row.pk for row in rows]
        kind.objects.filter(pk__in=keys).delete()
        # Other ids are small numbers, and could be those of other rows.
        self.rows |= {key for key in keys if isinstance(key, UUID)}
        self.receipt.deleted[what] = len(keys)

    def _remove_keys(self, keys: Iterable[str]) -> None:
        self.later += [partial(storage.remove, key) for key in keys]


def _locked(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    """Lock the rows in the order of their ids."""
    return rows.order_by("pk").select_for_update(of=("self",))


def _remove_prefix(prefix: str) -> None:
    for name in storage.names_in(prefix):
        storage.remove(f"{prefix}/{name}")
