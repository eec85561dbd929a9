"""A process that serves writes its numbers into files; no other does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("code", "writes"), [("", False), ("import marketplace.wsgi", True)])
def test_only_a_process_that_serves_writes_files_of_numbers(
    tmp_path: Path, code: str, writes: bool
) -> None:
    environment = {**os.environ, "FREEHOLD_DATA_DIR": str(tmp_path)}
    for name in ("PROMETHEUS_MULTIPROC_DIR", "DATABASE_URL"):
        environment.pop(name, None)
    environment["DJANGO_SETTINGS_MODULE"] = "marketplace.settings"
    subprocess.run(
        [sys.executable, "-c", f"{code or 'import django; django.setup()'}"],
        cwd=Path(__file__).resolve().parents[2],
        env=environment,
        check=True,
    )
    assert bool(list((tmp_path / "metrics").glob("*.db"))) is writes
