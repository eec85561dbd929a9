"""The cache of one machine, and how values are written into a Redis."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache

from marketplace.core import rate_limits
from marketplace.core.rate_limits import Policy, take
from marketplace.instance.embedded_cache import EmbeddedCache, JsonSerializer
from tests.tools import find_redis, redis_server

OPTIONS = {"serializer": "marketplace.instance.embedded_cache.JsonSerializer"}


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddedCache:
    """An embedded cache of its own."""
    return EmbeddedCache(str(tmp_path / "cache.sqlite3"), {})


def _is_a_cache(cache: BaseCache) -> None:
    """What Django's caches promise and we use."""
    assert cache.get("a", "nothing") == "nothing"
    cache.set("a", {"history": [1.5, 2]}, 60)
    assert cache.get("a") == {"history": [1.5, 2]}
    assert cache.add("a", 1) is False
    assert cache.add("b", 5, 60) is True
    assert cache.incr("b") == 6
    assert cache.decr("b", 2) == 4
    assert cache.get("b") == 4
    with pytest.raises(ValueError, match="not found"):
        cache.incr("c")
    assert cache.touch("a", 60) is True
    assert cache.touch("c", 60) is False
    assert cache.delete("a") is True
    assert cache.delete("a") is False
    cache.set("gone", True, 0)
    assert cache.get("gone") is None
    assert cache.add("gone", False) is True
    assert cache.get("gone") is False
    cache.clear()
    assert cache.get("b") is None


def test_the_embedded_cache_is_a_cache(cache: EmbeddedCache) -> None:
    _is_a_cache(cache)


@pytest.mark.services
@pytest.mark.skipif(find_redis() is None, reason="no Redis on this machine")
def test_redis_with_json_is_a_cache_and_counts_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as url:
        cache = RedisCache(url, {"OPTIONS": OPTIONS})
        _is_a_cache(cache)
        monkeypatch.setattr(rate_limits, "cache", cache)
        policy = Policy("test", quota=50, window_s=3600)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: take(policy, "alice"), range(80)))
        assert sum(usage.allowed for usage in found) == 50


def test_nothing_in_redis_is_a_pickle() -> None:
    serializer = JsonSerializer()
    assert serializer.dumps(7) == 7
    assert serializer.dumps(True) == b"true"
    dumped = serializer.dumps({"a": [1, None]})
    assert isinstance(dumped, bytes) and serializer.loads(dumped) == {"a": [1, None]}
    with pytest.raises(ValueError, match="JSON|Expecting|decode|utf-8"):
        serializer.loads(b"\x80\x05K\x01.")


def test_what_is_over_is_swept(cache: EmbeddedCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set("old", 1, 1)
    later = time.time() + 120
    monkeypatch.setattr(time, "time", lambda: later)
    cache.set("new", 1, 60)
    with sqlite3.connect(cache._path) as database:
        assert database.execute("SELECT count(*) FROM cache").fetchone() == (1,)


def test_a_value_that_cannot_be_kept_leaves_the_cache_usable(cache: EmbeddedCache) -> None:
    with pytest.raises(TypeError):
        cache.set("a", object())
    cache.set("a", 1)
    assert cache.get("a") == 1
