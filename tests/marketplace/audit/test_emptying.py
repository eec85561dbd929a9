"""A closed account's records lose names, and the chain still shows every other change."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from marketplace.accounts.models import Team, User
from marketplace.audit.chain import BrokenChain, verify
from marketplace.audit.emptying import record_closing
from marketplace.audit.models import EMPTY, Record
from marketplace.audit.selectors import records_as_lines
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.audit.triggers import triggers_drop, triggers_make
from tests.marketplace.audit.records import forge


@pytest.fixture
def mixed(three: list[Record], alice: User, bob: User, team: Team) -> list[Record]:
    """Records of Alice, of Bob about her, about a row of hers, and of Bob alone."""
    return [
        *three,
        record(Act.MEMBER_ADDED, by=bob, row=team, member=alice, role="member"),
        record(Act.SIGN_IN_FAILED, by=None, tried=alice),
        record(Act.TEAM_RENAMED, by=bob, row=team, before="Botany", name="Alice's plants"),
        record(Act.SIGN_IN, by=bob),
        record(Act.TOKEN_MADE, by=bob, name="alice's script"),
    ]


@pytest.fixture
def triggers(db: None) -> Iterator[None]:
    """What refuses changes in an instance."""

    class Editor:
        connection = connection

        def execute(self, statement: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement)

    triggers_make(Editor())
    yield
    triggers_drop(Editor())


def close(alice: User, team: Team) -> Record:
    return record_closing(person=alice, name="alice", rows={team.pk}, models=2)


def said(row: Record) -> dict[str, Any]:
    return {name: getattr(row, name) for name in EMPTY}


def test_records_that_name_the_person_are_emptied_and_no_other(
    triggers: None, mixed: list[Record], alice: User, team: Team
) -> None:
    closing = close(alice, team)
    rows = {row.number: row for row in Record.objects.all()}
    for before in mixed[:6]:
        row = rows[before.number]
        assert said(row) == EMPTY and row.emptied_by == closing.number
        for name in ("at", "act", "person_id", "kind", "row", "previous", "hash"):
            assert getattr(row, name) == getattr(before, name), name
    for before in mixed[6:]:
        assert said(rows[before.number]) == said(before)
    assert (closing.person, closing.person_id, closing.row) == ("", alice.pk, str(alice.pk))
    assert closing.details["emptied"] == 6 and closing.details["models"] == 2


def test_the_chain_holds_before_and_after_and_in_an_export(
    mixed: list[Record], alice: User, bob: User, team: Team, tmp_path: Any, capsys: Any
) -> None:
    before = verify(records_as_lines())
    close(alice, team)
    record_closing(person=bob, name="bob", rows=set())
    assert verify(records_as_lines(), expect=before.head).count == before.count + 2
    call_command("audit_export")
    (tmp_path / "log").write_text(capsys.readouterr().out)
    call_command("audit_verify", file=tmp_path / "log", expect=before.head)
    assert "unbroken" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [{"act": "team.deleted"}, {"row": "other"}, {"person": "mallory"}, {"emptied_by": 99}],
)
def test_a_change_of_what_is_left_is_found(
    mixed: list[Record], alice: User, team: Team, change: dict[str, Any]
) -> None:
    close(alice, team)
    forge(2, **change)
    with pytest.raises(BrokenChain, match="emptied"):
        verify(records_as_lines())


def test_a_record_that_no_closing_emptied_is_found(three: list[Record]) -> None:
    forge(2, person="", address="", token="", details="{}", emptied_by=3)
    with pytest.raises(BrokenChain, match="that record 3 has emptied were changed"):
        verify(records_as_lines())
    forge(2, emptied_by=7)
    with pytest.raises(BrokenChain, match="no later record says so"):
        verify(records_as_lines())


def test_a_record_that_was_tampered_with_is_not_covered_up(
    mixed: list[Record], alice: User, team: Team
) -> None:
    forge(2, act="team.deleted")
    close(alice, team)
    with pytest.raises(BrokenChain, match="Record 2 was changed"):
        verify(records_as_lines())


def test_many_records_are_emptied_in_batches(
    mixed: list[Record], alice: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.audit.emptying._AT_ONCE", 2)
    assert close(alice, team).details["emptied"] == 6
    verify(records_as_lines())


def test_a_name_of_other_letters_is_found_too(bob: User, team: Team) -> None:
    zoe = User.objects.create_user("zoë")
    record(Act.MEMBER_ADDED, by=bob, row=team, member=zoe)
    record_closing(person=zoe, name="zoë", rows=set())
    assert "zo" not in json.dumps([row.details for row in Record.objects.all()])


@pytest.mark.parametrize(
    "change",
    [
        "emptied_by = 99",
        "person = ''",
        "person = '', address = '', token = '', details = '{}', emptied_by = NULL",
        "person = '', address = '', token = '', details = '{}', emptied_by = number",
        "person = 'x', address = '', token = '', details = '{}', emptied_by = 99",
        "person = '', address = '', token = '', details = '{\"a\": 1}', emptied_by = 99",
        "person = '', address = '', token = '', details = '{}', emptied_by = 99, act = 'x'",
        "person = '', address = '', token = '', details = '{}', emptied_by = 99, person_id = NULL",
        "person = '', address = '', token = '', details = '{}', emptied_by = 99, hash = number",
    ],
)
def test_the_database_lets_no_other_change_through(
    triggers: None, three: list[Record], change: str
) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE audit_record SET {change}")  # noqa: S608 - a test's own text


def test_the_database_lets_a_record_be_emptied_once(triggers: None, three: list[Record]) -> None:
    assert Record.objects.filter(number=1).empty(by=99) == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Record.objects.filter(number=1).empty(by=100)
