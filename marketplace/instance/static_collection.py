"""Collects static files only if they have changed, because Django's command takes seconds."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

_MAKERS = ("django", "whitenoise")


def static_collect() -> bool:
    """Collect if anything has changed since the last time. Return whether it was done."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    wanted = _fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    # A process that dies halfway leaves no stamp.
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    return True


def _fingerprint() -> str:
    lines = [*sorted(_files()), settings.STATIC_URL, str(settings.STORAGES["staticfiles"])]
    lines += [settings.VERSION, *(f"{name} {version(name)}" for name in _MAKERS)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            yield f"{path} {found.st_size} {found.st_mtime_ns}"
