"""The hash chain: each hash covers the record and the hash before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from marketplace.audit.models import Record

GENESIS = "0" * 64
FIELDS = (
    "number", "at", "act", "person_id", "person", "kind", "row", "address", "token", "details",
    "previous",
)  # fmt: skip


def as_line(record: Record) -> dict[str, Any]:
    """Return a record as plain data, the form in which it is hashed and exported."""
    values = {name: getattr(record, name) for name in FIELDS}
    values["at"] = record.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {**values, "act": str(record.act), "hash": record.hash}


def hash_of(line: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of all fields except the hash."""
    covered = {name: line[name] for name in FIELDS}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class BrokenChain(Exception):
    """The log was changed. The message says where."""


@dataclass(frozen=True)
class Verified:
    """The number of records in an intact chain, and its last hash."""

    count: int
    head: str


def verify(lines: Iterable[Mapping[str, Any]], *, expect: str = "") -> Verified:
    """Verify the chain from its first record. Raise BrokenChain if it is damaged.

    `expect` is an earlier head. Without it, records removed from the end are not noticed.
    """
    previous, count, met = GENESIS, 0, expect in {"", GENESIS}
    for line in lines:
        count += 1
        if line["number"] != count:
            raise BrokenChain(f"Record {count} is missing; the next one is {line['number']}.")
        if line["previous"] != previous:
            raise BrokenChain(f"Record {count} does not follow the one before it.")
        if line["hash"] != hash_of(line):
            raise BrokenChain(f"Record {count} was changed after it was written.")
        previous = line["hash"]
        met = met or previous == expect
    if not met:
        raise BrokenChain(f"No record has the hash {expect}; the log was cut off or replaced.")
    return Verified(count, previous)
