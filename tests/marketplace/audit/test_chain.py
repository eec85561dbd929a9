"""The chain of hashes shows every change of the log."""

import pytest
from django.db import connection

from marketplace.audit.chain import GENESIS, BrokenChain, as_line, hash_of, verify
from marketplace.audit.models import Record
from marketplace.audit.selectors import records_as_lines
from tests.marketplace.audit.records import forge


def test_the_chain_holds_and_has_a_head(three: list[Record]) -> None:
    found = verify(records_as_lines())
    assert (found.count, found.head) == (3, three[-1].hash)
    assert three[0].previous == GENESIS
    assert [row.previous for row in three[1:]] == [row.hash for row in three[:-1]]


@pytest.mark.parametrize(
    "change",
    [
        {"person": "mallory"},
        {"act": "team.deleted"},
        {"address": "192.0.2.7"},
        {"details": '{"name": "Zoology"}'},
        {"row": "other"},
    ],
)
def test_a_changed_record_is_found(three: list[Record], change: dict[str, str]) -> None:
    forge(2, **change)
    with pytest.raises(BrokenChain, match="Record 2 was changed"):
        verify(records_as_lines())


def test_a_changed_record_with_a_new_hash_is_found_at_the_next_one(three: list[Record]) -> None:
    forge(2, person="mallory")
    forge(2, hash=hash_of(as_line(Record.objects.get(number=2))))
    with pytest.raises(BrokenChain, match="Record 3 does not follow"):
        verify(records_as_lines())


def test_a_missing_record_is_found(three: list[Record]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_record WHERE number = 2")
    with pytest.raises(BrokenChain, match="Record 2 is missing"):
        verify(records_as_lines())


def test_records_cut_off_the_end_are_missed_when_their_head_was_noted(three: list[Record]) -> None:
    head = three[-1].hash
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_record WHERE number = 3")
    assert verify(records_as_lines()).count == 2
    with pytest.raises(BrokenChain, match="cut off"):
        verify(records_as_lines(), expect=head)
    assert verify(records_as_lines(), expect=three[0].hash).count == 2
    assert verify([], expect=GENESIS).count == 0
