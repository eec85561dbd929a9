"""The embedded cache: one SQLite file shared by all web processes.

Django's own local caches belong to one process or count without a lock, and all of them store
pickles. Rate limits need atomic counting.
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
    """Django's cache interface over a file. Values are JSON. `add` and `incr` are atomic."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = Path(location)
        self._local = threading.local()
        self._culled_at = 0.0

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        database = self._database()
        database.execute("BEGIN IMMEDIATE")
        try:
            self._cull(database)
            yield database
            database.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction. An open one would block this thread.
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def _database(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is None:
            database = sqlite3.connect(self._path, timeout=_WAIT_S, isolation_level=None)
            # Nothing in the cache is worth waiting for the disk.
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
        found = self._read(self._database(), self.make_and_validate_key(key, version=version))
        return default if found is None else json.loads(found[0])

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            self._write(database, name, value, self.get_backend_timeout(timeout))

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Store the value if there is none. Of several concurrent callers one succeeds."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            if self._read(database, name) is not None:
                return False
            self._write(database, name, value, self.get_backend_timeout(timeout))
        return True

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Increment a count and keep its timeout. Raise ValueError if it does not exist."""
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            found = self._read(database, name)
            if found is None:
                raise ValueError(f"Key '{key}' not found")
            value = int(json.loads(found[0])) + delta
            self._write(database, name, value, found[1])
        return value

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            found = self._read(database, name)
            if found is not None:
                self._write(database, name, json.loads(found[0]), self.get_backend_timeout(timeout))
        return found is not None

    def delete(self, key: Any, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        with self._writing() as database:
            return database.execute("DELETE FROM cache WHERE key = ?", (name,)).rowcount > 0

    def clear(self) -> None:
        with self._writing() as database:
            database.execute("DELETE FROM cache")


class JsonSerializer:
    """Redis cache values as JSON, so that writing to Redis cannot execute code here."""

    def dumps(self, value: Any) -> bytes | int:
        """Leave integers as they are, so that Redis can increment them."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
