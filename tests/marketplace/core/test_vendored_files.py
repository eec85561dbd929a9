"""Vendored files are the ones that their table names."""

import hashlib
import re

from django.conf import settings

VENDOR = settings.BASE_DIR / "static" / "vendor"
ROW = re.compile(r"^\| (\S+/\S+) \| .* \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_every_vendored_file_has_the_hash_of_its_row() -> None:
    rows = dict(ROW.findall((VENDOR / "README.md").read_text()))
    copied = [path for path in VENDOR.glob("*/*") if not path.name.endswith(".d.ts")]
    files = [path for path in copied if path.name != "LICENSE"]
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    assert found == rows
    assert all((path.parent / "LICENSE").is_file() for path in files)
