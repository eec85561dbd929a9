from typing import Any

from django.db import models

from marketplace.audit.states import Act


class AppendOnly(Exception):
    """Code tried to change or delete a record of the log."""


class RecordQuerySet(models.QuerySet["Record"]):
    """Allows only reads and inserts, and that a closed account empties its records."""

    def update(self, **changes: Any) -> int:
        raise AppendOnly("The audit log is append-only; record another act instead.")

    def empty(self, *, by: int) -> int:
        """Take names, addresses and details out. Record number `by` says that this was done."""
        return super().update(emptied_by=by, **EMPTY)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly("The audit log is append-only; nothing in it can be deleted.")


EMPTY: dict[str, Any] = {"person": "", "address": "", "token": "", "details": {}}
"""What a record says once the account that it names is closed. Its person's id stays."""


class Record(models.Model):
    """An act: who did what to which row, when, and from where.

    Users and rows are named rather than referenced, so that a record outlives both. When a person
    closes the account, the records that name them are emptied (`audit.emptying`). Only
    `audit.services.record` creates records.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    act = models.CharField(max_length=40, db_index=True)
    person_id = models.BigIntegerField(null=True, db_index=True)
    person = models.CharField(max_length=150, blank=True)
    kind = models.CharField(max_length=40, blank=True, help_text="the kind of row")
    row = models.CharField(max_length=40, blank=True, db_index=True, help_text="the row's id")
    address = models.CharField(max_length=45, blank=True)
    token = models.CharField(max_length=12, blank=True, help_text="first characters of the token")
    details = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)
    # The record of the account's closing, which proves what was left. Not covered by the hash.
    emptied_by = models.PositiveBigIntegerField(null=True, editable=False)

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.number}: {self.person or 'unknown'}, {self.act}"

    @property
    def act_name(self) -> str:
        """The act in words. An act of a later version keeps its key."""
        return str(Act(self.act).label) if self.act in Act.values else self.act

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the record. Raise AppendOnly if it exists."""
        if not self._state.adding:
            raise AppendOnly("The audit log is append-only; record another act instead.")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly("The audit log is append-only; nothing in it can be deleted.")
