"""`manage.py audit_export` and `audit_verify`."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.audit.chain import verify
from marketplace.audit.models import Record
from marketplace.audit.services import record
from marketplace.audit.states import Act


def test_the_commands_export_and_verify(three: list[Record], tmp_path: Path) -> None:
    out = StringIO()
    call_command("audit_export", stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert verify(lines).head == three[-1].hash
    file = tmp_path / "export.jsonl"
    file.write_text(out.getvalue())
    for arguments in ([], ["--file", str(file)], ["--expect", three[1].hash]):
        said = StringIO()
        call_command("audit_verify", *arguments, stdout=said)
        assert said.getvalue() == f"3 records, unbroken. Head: {three[-1].hash}\n"
    file.write_text(out.getvalue().replace("Botany", "Zoology", 1))
    with pytest.raises(CommandError, match="Record 1 was changed"):
        call_command("audit_verify", "--file", str(file))
    file.write_text("nonsense")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit_verify", "--file", str(file))


def test_an_export_can_be_narrowed_down(three: list[Record], alice: User) -> None:
    record(Act.SIGN_IN, by=alice)
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()

    def count(*arguments: Any) -> int:
        out = StringIO()
        call_command("audit_export", *arguments, stdout=out)
        return len(out.getvalue().splitlines())

    assert count("--act", "person.sign_in") == 1
    assert count("--since", tomorrow) == 0
    assert count("--until", tomorrow) == 4
    assert count("--since", "2020-01-01T10:00", "--until", "2020-01-01T10:00Z") == 0
    for wrong in ("yesterday", "2026-99-99"):
        with pytest.raises(CommandError, match="is no date"):
            count("--since", wrong)
