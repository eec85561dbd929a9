"""The cache of the embedded default: one SQLite file that all web processes share.

Django's own local caches either belong to one process or count without a lock, and all of them
store pickles. Rate limits need counting that no other process can slip between.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

_TABLE = "CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value TEXT, until REAL)"
_CULL_EVERY_S = 60.0
_WAIT_S = 5.0


class EmbeddedCache(BaseCache):
    """Django's cache interface over a file; values are JSON. `add` and `incr` are atomic."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = Path(location)
        self._local = threading.local()
        self._culled_at = 0.0

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time, over all processes."""
        database = self._database()
        database.execute("BEGIN IMMEDIATE")
        try:
            self._cull(database)
            yield database
            database.execute("COMMIT")
        except BaseException:
            # A disk that is full may have ended it already; left open it would stop this thread.
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _database(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is None:
            database = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)
            # Nothing in here is worth waiting for the disk.
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=OFF")
            database.execute(_TABLE)
            self._path.chmod(0o600)
            self._local.database = database
        return database

    def _cull(self, database: sqlite3.Connection) -> None:
        now = time.time()
        if now - self._culled_at > _CULL_EVERY_S:
            self._culled_at = now
            database.execute("DELETE FROM cache WHERE until <= ?", (now,))

    def _read(self, database: sqlite3.Connection, key: str) -> tuple[str, float | None] | None:
        query = "SELECT value, until FROM cache WHERE key = ? AND (until IS NULL OR until > ?)"
        found: tuple[str, float | None] | None = database.execute(
            query, (key, time.time())
        ).fetchone()
        return found

    def _write(self, database: sqlite3.Connection, key: str, value: Any, until: Any) -> None:
        database.execute(
            "INSERT OR REPLACE INTO cache VALUES (?, ?, ?)", (key, json.dumps(value), until)
        )

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, or the default."""
        found = self._read(self._database(), self.make_and_validate_key(key, version=version))
        return default if found is None else json.loads(found[0])

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Keep the value until the timeout."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            self._write(database, name, value, self.get_backend_timeout(timeout))

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Keep the value if there is none; of several callers at once one succeeds."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            if self._read(database, name) is not None:
                return False
            self._write(database, name, value, self.get_backend_timeout(timeout))
        return True

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Count on; ValueError when there is no such count. Its timeout stays."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            found = self._read(database, name)
            if found is None:
                raise ValueError(f"Key '{key}' not found")
            value = int(json.loads(found[0])) + delta
            self._write(database, name, value, found[1])
        return value

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Give what is there another timeout."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            found = self._read(database, name)
            if found is not None:
                self._write(database, name, json.loads(found[0]), self.get_backend_timeout(timeout))
        return found is not None

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Whether there was something to forget."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            return database.execute("DELETE FROM cache WHERE key = ?", (name,)).rowcount > 0

    def clear(self) -> None:
        """Forget everything."""
        with self._writing() as database:
            database.execute("DELETE FROM cache")


class JsonSerializer:
    """For a cache in Redis: JSON, so that writing to it cannot run anything here."""

    def dumps(self, value: Any) -> bytes | int:
        """Whole numbers stay numbers, so that Redis can count with them."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """The value."""
        return json.loads(data)
