"""The database refuses to change a record; on PostgreSQL writers also wait for each other."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from marketplace.audit.models import Record
from marketplace.audit.triggers import triggers_drop, triggers_make
from tests.tools import find_postgres, postgres_server

ROOT = Path(__file__).resolve().parents[3]
RECORDS = 40
WRITE = f"""
from marketplace.audit.services import record
from marketplace.audit.states import Act
for _ in range({RECORDS}):
    record(Act.SIGN_IN, by=None, half=0.5, names=["a", "b"])
"""
CHANGE = """
from django.db import connection
for statement in (
    "UPDATE audit_record SET person = 'mallory'",
    "DELETE FROM audit_record",
    "TRUNCATE audit_record",
):
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except Exception as error:
        print("append-only" in str(error))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.services
@pytest.mark.skipif(find_postgres() is None, reason="no PostgreSQL on this machine")
def test_records_written_at_once_make_one_chain_that_nobody_can_change(tmp_path: Path) -> None:
    with postgres_server() as url:
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "FREEHOLD_DATA_DIR": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        }

        def manage(*arguments: Any) -> Any:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

        def said(process: Any) -> Any:
            out, errors = process.communicate(timeout=170)
            assert process.returncode == 0, errors
            return out

        said(manage("migrate", "-v", "0"))
        writers = [manage("shell", "--no-imports", "-c", WRITE) for _ in range(3)]
        for writer in writers:
            said(writer)
        assert said(manage("shell", "--no-imports", "-c", CHANGE)).split() == ["True"] * 3
        assert said(manage("audit_verify")).startswith(f"{3 * RECORDS} records, unbroken.")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_record SET person = 'mallory'",
        "DELETE FROM audit_record",
        pytest.param("TRUNCATE audit_record", id="TRUNCATE, which is PostgreSQL's alone"),
    ],
)
def test_the_database_itself_refuses(three: list[Record], statement: str) -> None:
    if statement.startswith("TRUNCATE") and connection.vendor != "postgresql":
        pytest.skip("this database knows no TRUNCATE")
    with _editor() as editor:
        triggers_make(editor)
    try:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    finally:
        with _editor() as editor:
            triggers_drop(editor)
    assert Record.objects.filter(person="alice").count() == 3


class _editor:
    """Statements in the test's own transaction, where SQLite's schema editor refuses to begin."""

    connection = connection

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        """Swallow nothing."""

    def execute(self, statement: str) -> None:
        """Run it."""
        with connection.cursor() as cursor:
            cursor.execute(statement)
