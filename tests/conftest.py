"""What every test can ask for."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import DjangoDbBlocker, Settings

from marketplace.audit.triggers import triggers_drop
from tests.settings import ON_SERVERS

_TOUCHES_SERVERS = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What waits longest begins first; against real servers only what touches them runs."""
    items.sort(key=lambda item: "journeys" not in item.path.parts)
    if not ON_SERVERS:
        return
    chosen = [item for item in items if _touches_servers(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def _touches_servers(item: pytest.Item) -> bool:
    asked = set(getattr(item, "fixturenames", ()))
    direct = item._fixtureinfo.argnames if hasattr(item, "_fixtureinfo") else ()
    marked = item.get_closest_marker("django_db") or item.get_closest_marker("services")
    return bool(asked & _TOUCHES_SERVERS or marked or "own_files" in direct)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Without the triggers of the audit log, which would refuse to empty tables between tests."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        triggers_drop(editor)


@pytest.fixture(autouse=True)
def _no_clocks_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a test's transaction PostgreSQL's time stands still; the next one takes it for a jump."""
    from marketplace.checkpoints import clock as checkpoints_clock  # noqa: PLC0415 - apps are ready
    from marketplace.jobs import clock as jobs_clock  # noqa: PLC0415

    for jumps in (jobs_clock.jumps, checkpoints_clock.jumps):
        monkeypatch.setattr(jumps, "_offset", None)
        monkeypatch.setattr(jumps, "_deaf", False)


@pytest.fixture
def own_files(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Storage, uploads and broker in a folder, and a bucket's prefix, of this test's own."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STORAGES = {**settings.STORAGES, "default": _storage(tmp_path / "files")}
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(incoming)
    yield tmp_path
    # What was patched into the storage goes before the storage itself is put back.
    monkeypatch.undo()


def _storage(folder: Path) -> dict[str, dict[str, str | None] | str]:
    if not django_settings.S3_BUCKET:
        options = {"location": str(folder), "base_url": None}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    options = {**django_settings.STORAGES["default"]["OPTIONS"], "location": uuid.uuid4().hex}
    return {"BACKEND": "tests.shared_s3.SharedS3Storage", "OPTIONS": options}


@pytest.fixture
def own_folder(own_files: Path) -> Path:
    """The same for what is true of a folder only, as of durable writes and their renames."""
    if django_settings.S3_BUCKET:
        pytest.skip("this storage is no folder")
    return own_files


@pytest.fixture
def stored(own_files: Path) -> Callable[..., Any]:
    """The keys of what lies in storage, below a prefix."""
    from marketplace.operations.stored_files import stored_keys

    return lambda prefix="": list(stored_keys(prefix))


@pytest.fixture
def left_behind(own_files: Path, stored: Callable[..., Any]) -> Callable[..., Any]:
    """Every key in storage and every file of this machine that this test has left."""
    return lambda: [*stored(), *(str(path) for path in own_files.rglob("*") if path.is_file())]


@pytest.fixture(scope="session")
def _graphs() -> dict[Any, Any]:
    """Those that this process has made, by their network's spec."""
    return {}


@pytest.fixture
def graphs_once(monkeypatch: pytest.MonkeyPatch, _graphs: dict[Any, Any]) -> None:
    """What browsers adapt with is made once for each architecture, because it takes seconds.

    `tests/metalearn/meta_learner/test_browser.py` shows that its files are always the same.
    """
    from metalearn.meta_learner import browser

    make = browser.make_graphs

    def once(network: Any) -> Any:
        if network.spec not in _graphs:
            _graphs[network.spec] = make(network)
        return _graphs[network.spec]

    monkeypatch.setattr(browser, "make_graphs", once)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been sent to the broker: [(task, arguments)]."""
    messages: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(
        "marketplace.queue._send",
        lambda task, arguments, expires_s: messages.append((str(task), arguments)),
    )
    return messages
