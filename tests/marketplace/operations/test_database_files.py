"""The database as one file and back; what is deleted from SQLite is in none of its files."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from marketplace.accounts.models import User
from marketplace.core.errors import DomainError
from marketplace.operations import database_files
from marketplace.operations.database_files import empty_write_ahead_log

SECRET = b"a secret that was forgotten " * 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A file with the instance's own settings for SQLite."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps its own files")
    commands = settings.DATABASES["default"]["OPTIONS"]["init_command"]
    with closing(sqlite3.connect(tmp_path / "database", isolation_level=None)) as database:
        database.executescript(commands)
        database.execute("CREATE TABLE kept (secret BLOB)")
        yield database


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_a_deleted_row_is_gone_once_the_log_is_emptied(
    database: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("INSERT INTO kept VALUES (?)", [SECRET])
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("DELETE FROM kept")
    assert SECRET in on_disk(tmp_path)
    monkeypatch.setattr(connection, "cursor", lambda: closing(database.cursor()))
    empty_write_ahead_log()
    assert SECRET[:50] not in on_disk(tmp_path)


def test_without_postgresqls_programs_it_says_what_to_install(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
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
