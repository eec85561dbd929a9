"""Saves and loads the database: SQLite by its backup API, PostgreSQL by its own programs."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from django.db import connection

from marketplace.core.errors import DomainError

FILE_NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}

_DROP_EVERYTHING = """
DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT quote_ident(tablename) AS name FROM pg_tables
      WHERE schemaname = current_schema() LOOP
    EXECUTE 'DROP TABLE IF EXISTS ' || found.name || ' CASCADE';
  END LOOP;
  FOR found IN SELECT p.oid::regprocedure::text AS name FROM pg_proc p
      WHERE p.pronamespace = current_schema()::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE 'DROP FUNCTION IF EXISTS ' || found.name || ' CASCADE';
  END LOOP;
END $$
"""


def dump_database(target: Path) -> None:
    """Write a consistent copy of the database into the file."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(target)) as copy:
            connection.connection.backup(copy)
            # A single file without companions, so that it can be moved.
            copy.execute("PRAGMA journal_mode=DELETE")
        return
    _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])


def empty_write_ahead_log() -> None:
    """Move SQLite's write-ahead log into the database and empty it.

    The log still has the earlier content of rows that were overwritten or deleted. While another
    connection reads, SQLite leaves it for the next call. PostgreSQL keeps its log for its own time.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def load_database(source: Path) -> None:
    """Replace the content of the database with that of the file."""
    if connection.vendor == "sqlite":
        path = str(connection.settings_dict["NAME"])
        connection.close()
        with closing(sqlite3.connect(source)) as saved, closing(sqlite3.connect(path)) as live:
            saved.backup(live)
        return
    with connection.cursor() as cursor:
        cursor.execute(_DROP_EVERYTHING)
    connection.close()
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    name = str(connection.settings_dict["NAME"])
    _run("pg_restore", [*options, f"--dbname={name}", str(source)])


def _run(program: str, arguments: Sequence[str]) -> None:
    """Run a PostgreSQL program. The password is passed in the environment, not as an argument."""
    found = _find(program)
    given = connection.settings_dict
    told = {
        "PGHOST": given["HOST"],
        "PGPORT": str(given["PORT"] or ""),
        "PGUSER": given["USER"],
        "PGPASSWORD": given["PASSWORD"],
        "PGDATABASE": given["NAME"],
    }
    environment = {**os.environ, **{name: value for name, value in told.items() if value}}
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [found, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DomainError(f"{program} failed: {done.stderr.strip()[-1000:]}")


def _find(program: str) -> str:
    folders = os.pathsep.join(
        [
            os.environ.get("PG_BIN", ""),
            os.environ.get("PATH", ""),
            *sorted(
                (str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")), reverse=True
            ),
        ]
    )
    found = shutil.which(program, path=folders)
    if found is None:
        raise DomainError(
            f"{program} is not on this machine; install PostgreSQL's client programs, at least of "
            "the server's version, or set PG_BIN to their folder."
        )
    return found
