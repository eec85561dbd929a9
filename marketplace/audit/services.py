from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from django.db import connection, models, transaction
from django.utils import timezone

from marketplace.audit.chain import GENESIS, as_line, hash_of
from marketplace.audit.context import origin
from marketplace.audit.models import Record
from marketplace.audit.states import Act

# Any number that nothing else in the database uses for an advisory lock.
_LOCK = 0x6672_6565


class Person(Protocol):
    """A user, signed in or not."""

    pk: Any

    def get_username(self) -> str: ...


@transaction.atomic
def record(
    act: Act, *, by: Person | None, row: models.Model | None = None, **details: object
) -> Record:
    """Add an act to the log, in the same transaction as the act itself.

    `by` is None if the user is unknown, as after a failed sign-in. Details are short plain values,
    never a secret, a picture or a file's content. Call this last in the transaction, because other
    records wait from here until its end.
    """
    _wait_for_turn()
    last = _last()
    number, previous = last or (0, GENESIS)
    entry = Record(
        number=number + 1,
        at=timezone.now(),
        act=act,
        person_id=by.pk if by is not None else None,
        person=_text(by.get_username(), 150) if by is not None else "",
        kind=row._meta.model_name or "" if row is not None else "",
        row=str(row.pk)[:40] if row is not None else "",
        address=origin().address[:45],
        token=origin().token[:12],
        details=_plain(details),
        previous=previous,
    )
    entry.hash = hash_of(as_line(entry))
    entry.save()
    return entry


def next_number() -> int:
    """Return the number of the next record, which only this transaction can write."""
    _wait_for_turn()
    last = _last()
    return last[0] + 1 if last else 1


def _last() -> tuple[int, str] | None:
    return Record.objects.order_by("-number").values_list("number", "hash").first()


def record_hourly(act: Act, *, by: Person, row: models.Model, **details: object) -> None:
    """Record the act, unless the same user did the same from the same place within the hour."""
    earlier = Record.objects.filter(
        act=act,
        person_id=by.pk,
        row=str(row.pk)[:40],
        at__gt=timezone.now() - timedelta(hours=1),
        address=origin().address[:45],
        token=origin().token[:12],
        details=_plain(details),
    )
    if not earlier.exists():
        record(act, by=by, row=row, **details)


def _wait_for_turn() -> None:
    """Serialise records. SQLite's transactions are exclusive anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _plain(details: Mapping[str, object]) -> dict[str, Any]:
    """Return values that every database returns unchanged."""
    return {name: _value(value) for name, value in sorted(details.items())}


def _value(value: object) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set):
        return [_value(item) for item in (sorted(value) if isinstance(value, set) else value)]
    return _text(str(value), 300)


def _text(text: str, length: int) -> str:
    """Remove what databases cannot store: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]
