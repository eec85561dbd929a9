"""What every test can ask for."""

import pytest
from django.db import connection

from marketplace.audit.triggers import triggers_drop


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Without the triggers of the audit log, which would refuse to empty tables between tests."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        triggers_drop(editor)


@pytest.fixture
def own_files(settings, tmp_path, monkeypatch):
    """Storage, uploads and broker in a folder of this test's own."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files"), "base_url": None},
        },
    }
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(incoming)
    yield tmp_path
    # What was patched into the storage goes before the storage itself is put back.
    monkeypatch.undo()


@pytest.fixture
def sent(monkeypatch):
    """What would have been sent to the broker: [(task, arguments)]."""
    messages: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(
        "marketplace.queue._send",
        lambda task, arguments, expires_s: messages.append((str(task), arguments)),
    )
    return messages
