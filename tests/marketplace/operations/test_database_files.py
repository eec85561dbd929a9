"""The database as one file, and back."""

import pytest

from marketplace.core.errors import DomainError

pytestmark = pytest.mark.django_db


def test_without_postgresqls_programs_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from marketplace.operations import database_files

    monkeypatch.setattr(database_files.shutil, "which", lambda name, path: None)
    with pytest.raises(DomainError, match="install PostgreSQL's client programs"):
        database_files._find("pg_dump")
