"""Reads of the log."""

from datetime import timedelta

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.audit.selectors import records_as_lines
from marketplace.audit.services import record
from marketplace.audit.states import Act


def test_records_are_read_oldest_first_with_the_time_in_utc(three: list[Record]) -> None:
    lines = list(records_as_lines())
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert lines[0]["hash"] == three[0].hash and lines[0]["at"].endswith("+00:00")


def test_the_first_moment_is_included_and_the_last_is_not(three: list[Record]) -> None:
    first = Record.objects.get(number=1).at
    moment = timedelta(microseconds=1)
    assert list(records_as_lines(until=first)) == []
    assert [line["number"] for line in records_as_lines(until=first + moment)][:1] == [1]
    assert len(list(records_as_lines(since=first))) == 3
    assert 1 not in {line["number"] for line in records_as_lines(since=first + moment)}


def test_only_one_act_can_be_asked_for(three: list[Record], alice: User) -> None:
    record(Act.SIGN_IN, by=alice)
    assert [line["number"] for line in records_as_lines(act="person.sign_in")] == [4]
