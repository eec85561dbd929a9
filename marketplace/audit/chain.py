"""The hash chain: each hash covers the record and the hash before it.

A record that was emptied when a person closed their account keeps the hash of what it said. What is
left of it is covered by a digest in the record of the closing, which comes later in the chain.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from marketplace.audit.models import Record

GENESIS = "0" * 64
DIGEST = "emptied_sha256"
"""The detail of a closing that covers what emptied records still say."""
FIELDS = (
    "number", "at", "act", "person_id", "person", "kind", "row", "address", "token", "details",
    "previous",
)  # fmt: skip


def as_line(record: Record) -> dict[str, Any]:
    """Return a record as plain data, the form in which it is hashed and exported."""
    values = {name: getattr(record, name) for name in FIELDS}
    values["at"] = record.at.astimezone(UTC).isoformat(timespec="microseconds")
    line = {**values, "act": str(record.act), "hash": record.hash}
    # Lines of other records are the same as before there was emptying.
    return line if record.emptied_by is None else {**line, "emptied_by": record.emptied_by}


def hash_of(line: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of all fields except the hash."""
    covered = {name: line[name] for name in FIELDS}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Leftover:
    """Digests of what emptied records still say, by the number of the record that closed it."""

    def __init__(self) -> None:
        self._digests: dict[int, Any] = {}

    def add(self, line: Mapping[str, Any]) -> None:
        """Add an emptied record. They come in the order of their numbers."""
        digest = self._digests.setdefault(line["emptied_by"], hashlib.sha256())
        digest.update(f"{hash_of(line)}{line['hash']}".encode())

    def take(self, number: int) -> str:
        """Return the digest of the records that this one has closed, or an empty text."""
        digest = self._digests.pop(number, None)
        return digest.hexdigest() if digest else ""

    @property
    def unclosed(self) -> list[int]:
        """Numbers of records that should have closed others, and did not."""
        return sorted(self._digests)


class BrokenChain(Exception):
    """The log was changed. The message says where."""


@dataclass(frozen=True)
class Verified:
    """The number of records in an intact chain, and its last hash."""

    count: int
    head: str


def _check_place(line: Mapping[str, Any], number: int, previous: str) -> None:
    if line["number"] != number:
        raise BrokenChain(f"Record {number} is missing; the next one is {line['number']}.")
    if line["previous"] != previous:
        raise BrokenChain(f"Record {number} does not follow the one before it.")


def _check_content(line: Mapping[str, Any], leftover: Leftover) -> None:
    number = line["number"]
    if line.get("emptied_by"):
        leftover.add(line)
    elif line["hash"] != hash_of(line):
        raise BrokenChain(f"Record {number} was changed after it was written.")
    if leftover.take(number) != line["details"].get(DIGEST, ""):
        raise BrokenChain(f"Records that record {number} has emptied were changed after that.")


def verify(lines: Iterable[Mapping[str, Any]], *, expect: str = "") -> Verified:
    """Verify the chain from its first record. Raise BrokenChain if it is damaged.

    `expect` is an earlier head. Without it, records removed from the end are not noticed.
    """
    previous, count, met = GENESIS, 0, expect in {"", GENESIS}
    leftover = Leftover()
    for line in lines:
        count += 1
        _check_place(line, count, previous)
        _check_content(line, leftover)
        previous = line["hash"]
        met = met or previous == expect
    if leftover.unclosed:
        raise BrokenChain("Records were emptied, and no later record says so.")
    if not met:
        raise BrokenChain(f"No record has the hash {expect}; the log was cut off or replaced.")
    return Verified(count, previous)
