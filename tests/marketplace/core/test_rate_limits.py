"""Counting that no other thread or process can slip between, in both caches."""

import multiprocessing
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache as django_cache
from redis.exceptions import ConnectionError as RedisAway

from marketplace.core import rate_limits
from marketplace.core.rate_limits import Policy, take
from marketplace.instance.embedded_cache import EmbeddedCache


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddedCache:
    """An embedded cache of its own."""
    return EmbeddedCache(str(tmp_path / "cache.sqlite3"), {})


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch, cache: EmbeddedCache) -> EmbeddedCache:
    """The limits count in it."""
    monkeypatch.setattr(rate_limits, "cache", cache)
    return cache


def _take_many(path: Any, count: Any, results: Any) -> None:
    rate_limits.cache = EmbeddedCache(path, {})
    policy = Policy("test", quota=100, window_s=3600)
    results.put(sum(take(policy, "alice").allowed for _ in range(count)))


@pytest.mark.slow
def test_several_processes_together_get_the_quota_and_not_one_more(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    arguments = (str(tmp_path / "cache.sqlite3"), 60, results)
    processes = [context.Process(target=_take_many, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    allowed = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    assert sum(allowed) == 100


def test_many_threads_together_get_the_quota_and_not_one_more(used: EmbeddedCache) -> None:
    policy = Policy("test", quota=50, window_s=3600)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: take(policy, "alice"), range(80)))
    assert sum(usage.allowed for usage in found) == 50
    assert {usage.remaining for usage in found} == set(range(50))
    assert take(policy, "bob").allowed


def test_the_next_window_begins_anew(used: EmbeddedCache, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy("test", quota=1, window_s=60)
    monkeypatch.setattr(time, "time", lambda: 1_000_000_019.5)
    assert take(policy, "alice").allowed
    refused = take(policy, "alice")
    assert (refused.allowed, refused.remaining, refused.reset_s) == (False, 0, 1)
    assert refused.header() == '"test";r=0;t=1'
    assert policy.header() == '"test";q=1;w=60'
    monkeypatch.setattr(time, "time", lambda: 1_000_000_020.0)
    assert take(policy, "alice").allowed


def test_a_quota_of_nought_is_no_limit(used: EmbeddedCache) -> None:
    assert all(take(Policy("test", 0, 60), "alice").allowed for _ in range(3))


def test_who_begins_a_window_second_counts_on(
    used: EmbeddedCache, monkeypatch: pytest.MonkeyPatch
) -> None:

    def add(key: str, value: int, timeout: float) -> bool:
        used.set(key, 1, timeout)
        return False

    monkeypatch.setattr(used, "add", add)
    assert take(Policy("test", 5, 60), "alice").remaining == 3


@pytest.mark.parametrize(
    "error", [RedisAway("away"), sqlite3.OperationalError("locked"), OSError()]
)
def test_a_cache_that_is_away_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: OSError
) -> None:
    def fail(key: str) -> None:
        raise error

    monkeypatch.setattr(django_cache, "incr", fail)
    assert take(Policy("test", 1, 60), "alice").allowed
    assert "does not answer" in caplog.text


class FullDisk:
    """A database whose next commit fails, as on a disk without room."""

    def __init__(self, database: sqlite3.Connection, *, ends_it: bool) -> None:
        self._database, self._failing, self._ends_it = database, True, ends_it

    def __getattr__(self, name: str) -> bool:
        return getattr(self._database, name)

    def execute(self, statement: str, *values: Any) -> Any:
        """All but the first COMMIT."""
        if statement == "COMMIT" and self._failing:
            self._failing = False
            if self._ends_it:
                self._database.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")
        return self._database.execute(statement, *values)


@pytest.mark.parametrize("ends_it", [True, False])
def test_after_a_disk_that_was_full_the_same_thread_counts_on(
    cache: EmbeddedCache, ends_it: bool
) -> None:
    """SQLite ends some transactions by itself when they fail, and others not."""
    cache.set("a", 1)
    cache._local.database = FullDisk(cache._local.database, ends_it=ends_it)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        cache.incr("a")
    assert cache.incr("a") == 2
