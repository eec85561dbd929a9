"""The database as one file, and back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from marketplace.accounts.models import User
from marketplace.core.errors import DomainError
from marketplace.operations import database_files

pytestmark = pytest.mark.django_db


def test_without_postgresqls_programs_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from marketplace.operations import database_files

    monkeypatch.setattr(database_files.shutil, "which", lambda name, path: None)
    with pytest.raises(DomainError, match="install PostgreSQL's client programs"):
        database_files._find("pg_dump")


@pytest.mark.django_db(transaction=True)
def test_a_dump_has_every_row_and_needs_no_file_beside_it(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the drill dumps a PostgreSQL")
    User.objects.create_user("alice")
    folder = tmp_path / "dump"
    folder.mkdir()
    target = folder / "copy.sqlite3"
    database_files.dump_database(target)
    assert [path.name for path in folder.iterdir()] == ["copy.sqlite3"]
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("SELECT username FROM accounts_user").fetchall() == [("alice",)]


def test_a_program_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho no such host >&2\nexit 3\n")
    program.chmod(0o700)
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(DomainError, match="pg_dump failed: no such host"):
        database_files._run("pg_dump", [])
