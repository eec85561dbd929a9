"""Our modules under names with the hash of their content."""

import os
import re
import shutil
import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import Settings

from marketplace.instance.static_storage import StaticFiles

IMPORT = re.compile(r'^import .* from "([^"]+)";$', re.MULTILINE)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StaticFiles]:
    """The folder of our modules as it is served."""
    folder = tmp_path_factory.mktemp("static")
    for part in ("js", "vendor/uplot"):
        shutil.copytree(settings.BASE_DIR / "static" / part, folder / part)
    storage = StaticFiles(location=folder, base_url="/static/")
    paths = {
        str(path.relative_to(folder)): (storage, str(path.relative_to(folder)))
        for path in folder.rglob("*.js")
    }
    for _, _, done in storage.post_process(paths):
        assert not isinstance(done, Exception), done
    return folder, storage


@pytest.mark.parametrize("entry", ["js/device/worker.js", "js/adaptation/page.js"])
def test_a_module_imports_others_by_names_that_browsers_keep(
    collected: tuple[Path, StaticFiles], entry: str
) -> None:
    folder, storage = collected
    waiting, seen = [folder / storage.stored_name(entry)], set()
    while waiting:
        path = waiting.pop()
        assert re.search(r"\.[0-9a-f]{12}\.js$", path.name), path.name
        assert path.exists()
        seen.add(path)
        found = [(path.parent / name).resolve() for name in IMPORT.findall(path.read_text())]
        waiting += [one for one in found if one not in seen]
    assert len(seen) > 5


def test_every_user_may_read_what_is_collected_whatever_the_mask(
    tmp_path: Path, settings: Settings
) -> None:
    """The images collect as root and serve as another user."""
    source = tmp_path / "source" / "css"
    source.mkdir(parents=True)
    (source / "page.css").write_text("body { margin: 0 }" * 100)
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [source.parent]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "marketplace.instance.static_storage.StaticFiles"},
    }
    before = os.umask(0o077)
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
    finally:
        os.umask(before)
    collected = [settings.STATIC_ROOT, *settings.STATIC_ROOT.rglob("*")]
    names = {path.name for path in collected}
    assert "staticfiles.json" in names and any(name.endswith(".css.gz") for name in names)
    for path in collected:
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
