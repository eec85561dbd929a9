"""When a person closes their account, the log names no more than its id.

Records stay, with their numbers, times, acts, rows and hashes. Those that name the person lose
names, addresses and details. The record of the closing holds a digest of what is left of them, so
that `audit_verify` still finds every other change.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from marketplace.audit.chain import DIGEST, Leftover, as_line, hash_of
from marketplace.audit.models import EMPTY, Record
from marketplace.audit.services import next_number, record
from marketplace.audit.states import Act

_AT_ONCE = 500


@dataclass
class Nameless:
    """A person who is named by their id only."""

    pk: Any

    def get_username(self) -> str:
        return ""


@transaction.atomic
def record_closing(
    *, person: models.Model, name: str, rows: Collection[object], **details: object
) -> Record:
    """Empty the records that name the person, and record the closing. Call this last.

    They are those of the person's own acts, those that mention the user name, and those about one
    of their `rows` (ids) that have details, which may be a name.
    """
    number = next_number()
    about = {str(pk) for pk in rows}
    leftover, n_emptied, last = Leftover(), 0, 0
    while numbers := _concerned(person, name, about, after=last):
        last = numbers[-1]
        found = Record.objects.filter(number__in=numbers).order_by("number")
        # A record that was tampered with stays as it is, so that this does not cover it up.
        told = [row for row in found if hash_of(as_line(row)) == row.hash]
        told = [row for row in told if _names(row, person, name, about)]
        for row in told:
            leftover.add(_emptied_line(row, number))
        n_emptied += Record.objects.filter(number__in=[row.number for row in told]).empty(by=number)
    proof = {DIGEST: digest} if (digest := leftover.take(number)) else {}
    return record(
        Act.ACCOUNT_CLOSED,
        by=Nameless(person.pk),
        row=person,
        emptied=n_emptied,
        **proof,
        **details,
    )


def _concerned(person: models.Model, name: str, about: Collection[str], *, after: int) -> list[int]:
    """Return numbers of the next records that may name the person."""
    text = Record.objects.alias(text=Cast("details", TextField()))
    # SQLite stores JSON with non-ASCII letters escaped, PostgreSQL does not.
    plain, escaped = (json.dumps(name, ensure_ascii=ascii) for ascii in (False, True))
    mentions = Q(text__contains=plain) | Q(text__contains=escaped)
    rows = text.filter(
        Q(person_id=person.pk) | Q(row__in=about) | mentions, number__gt=after, emptied_by=None
    )
    rows = rows.exclude(act=Act.ACCOUNT_CLOSED)
    return list(rows.order_by("number").values_list("number", flat=True)[:_AT_ONCE])


def _names(row: Record, person: models.Model, name: str, about: Collection[str]) -> bool:
    about_it = row.row in about and bool(row.details)
    return row.person_id == person.pk or about_it or name in _texts(row.details)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _emptied_line(row: Record, number: int) -> dict[str, Any]:
    return {**as_line(row), **EMPTY, "emptied_by": number}
