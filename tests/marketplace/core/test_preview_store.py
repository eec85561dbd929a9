"""Preview grids in memory: of the process that runs everything, or of a Redis."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from threading import Thread
from typing import Any

import pytest
from pytest_django import Settings

from marketplace.core import preview_store
from marketplace.core.preview_store import (
    MAX_PREVIEW_BYTES,
    MAX_PREVIEWS,
    STORE_ERRORS,
    MemoryStore,
    preview_delete,
    preview_get,
    preview_or_none,
    preview_problem,
    preview_put,
    preview_secret,
    serve_previews,
)
from tests.tools import find_redis, redis_server


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    """`manage.py up` has it in a thread of its own."""
    server = serve_previews(60)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings.PREVIEW_URL = f"http://127.0.0.1:{server.server_port}"
    yield settings.PREVIEW_URL
    server.shutdown()
    server.server_close()


def _keeps_grids() -> None:
    assert preview_get("a") is None
    preview_put("a", b"first")
    preview_put("a", b"second")
    preview_put("b", b"another")
    assert preview_get("a") == b"second"
    preview_delete("a")
    assert preview_get("a") is None
    assert preview_get("b") == b"another"


def test_the_process_that_runs_everything_keeps_grids(served: str) -> None:
    _keeps_grids()


@pytest.mark.services
@pytest.mark.skipif(find_redis() is None, reason="no Redis on this machine")
def test_a_redis_that_writes_to_a_disk_gets_no_picture(settings: Settings) -> None:
    with redis_server() as url:
        settings.PREVIEW_URL = url
        assert preview_problem() == ""
        client = preview_store.redis.Redis.from_url(url)
        client.config_set("save", "3600 1")
        assert 'start its Redis with --save ""' in preview_problem()
        with pytest.raises(STORE_ERRORS):
            preview_put("a", b"recovered")
        assert preview_get("a") is None
        client.config_set("save", "")
        preview_put("a", b"recovered")
        assert preview_get("a") == b"recovered"


class Told:
    """A Redis as far as its configuration goes."""

    def __init__(self, **config: str) -> None:
        self.config = config

    def config_get(self, name: str) -> dict[str, str]:
        if not self.config:
            raise preview_store.redis.ResponseError("unknown command")
        return {name: self.config[name]}


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (Told(save="", appendonly="no"), ""),
        (Told(save="", appendonly="yes"), "writes to a disk"),
        (Told(save="60 1", appendonly="no"), "writes to a disk"),
        (Told(), "does not say whether it writes"),
    ],
)
def test_a_redis_must_say_that_it_keeps_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, told: Told, problem: str
) -> None:
    settings.PREVIEW_URL = "redis://previews"
    monkeypatch.setattr(preview_store.redis.Redis, "from_url", lambda *args, **more: told)
    assert problem in preview_problem() and bool(preview_problem()) == bool(problem)


@pytest.mark.services
@pytest.mark.skipif(find_redis() is None, reason="no Redis on this machine")
def test_a_redis_keeps_grids_for_a_while(settings: Settings) -> None:
    with redis_server() as url:
        settings.PREVIEW_URL = url
        _keeps_grids()
        client = preview_store.redis.Redis.from_url(url)
        assert 0 < client.ttl("preview:b") <= settings.PREVIEW_TTL_S


def test_without_a_home_there_are_no_previews(settings: Settings) -> None:
    settings.PREVIEW_URL = ""
    preview_put("a", b"grid")
    preview_delete("a")
    assert preview_get("a") is None


def _ask(
    url: str,
    method: str = "GET",
    *,
    secret: str | None = None,
    body: bytes | None = None,
    **headers: Any,
) -> int:
    secret = preview_secret() if secret is None else secret
    request = urllib.request.Request(
        f"{url}/a",
        data=body,
        method=method,
        headers={"Authorization": f"Bearer {secret}", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nobody_else_on_this_machine_may_ask_for_grids(served: str, method: str) -> None:
    preview_put("a", b"grid")
    body = b"mine" if method == "PUT" else None
    assert _ask(served, method, secret="guessed", body=body) == HTTPStatus.FORBIDDEN
    assert preview_get("a") == b"grid"


def test_a_grid_that_is_empty_or_too_large_is_not_kept(
    served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_store, "MAX_PREVIEW_BYTES", 10)
    assert MAX_PREVIEW_BYTES > 10
    for body in (b"", b"x" * 11):
        assert _ask(served, "PUT", body=body) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert _ask(served, "PUT", body=b"x" * 10) == HTTPStatus.NO_CONTENT
    assert preview_get("a") == b"x" * 10


def test_another_answer_than_not_found_is_an_error_and_a_page_does_without(
    served: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECRET_KEY = "another instance's"
    with pytest.raises(urllib.error.HTTPError):
        preview_get("a")
    assert preview_or_none("a") is None
    assert "does not answer" in caplog.text


def test_a_store_that_is_away_costs_a_page_its_preview_only(settings: Settings) -> None:
    settings.PREVIEW_URL = "http://127.0.0.1:9"
    assert preview_or_none("a") is None


def test_grids_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(preview_store.time, "monotonic", lambda: now[0])
    store = MemoryStore(ttl_s=60)
    store.put("a", b"grid")
    now[0] += 59
    assert store.get("a") == b"grid"
    now[0] += 2
    assert store.get("a") is None
    assert store._grids == {}


def test_of_too_many_grids_the_oldest_goes() -> None:
    store = MemoryStore(ttl_s=60)
    for index in range(MAX_PREVIEWS):
        store.put(str(index), b"grid")
    store.put("0", b"shown again")
    store.put("one more", b"grid")
    assert store.get("1") is None
    assert store.get("0") == b"shown again"
    assert len(store._grids) == MAX_PREVIEWS
