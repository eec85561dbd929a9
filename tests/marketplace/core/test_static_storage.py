"""Our modules under names with the hash of their content."""

import re
import shutil

import pytest
from django.conf import settings

from marketplace.core.static_storage import StaticFiles

IMPORT = re.compile(r'^import .* from "([^"]+)";$', re.MULTILINE)


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
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
def test_a_module_imports_others_by_names_that_browsers_keep(collected, entry):
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
