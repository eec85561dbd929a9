"""The drill: an instance is backed up, destroyed and restored; everything is there as it was."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.instance import Instance
from tests.tools import has_servers, servers

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def on_servers() -> Iterator[dict[str, str]]:
    """The settings of a deployment."""
    if not has_servers():
        pytest.skip("PostgreSQL, Redis or rclone is not on this machine")
    with servers() as environment:
        yield {**environment, "FREEHOLD_SECRET_KEY": uuid.uuid4().hex * 2}


@pytest.fixture(params=["embedded", pytest.param("servers", marks=pytest.mark.services)])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Instance:
    """An instance of which no process runs."""
    given = request.getfixturevalue("on_servers") if request.param == "servers" else None
    return Instance(tmp_path, given)


def take(instance: Instance, *steps: Any) -> dict[str, dict[str, Any]] | None:
    """Run steps of `drill_steps` in the instance."""
    code = f"from tests.journeys.drill_steps import run; run(*{steps!r})"
    return json.loads(instance.manage("shell", "--no-imports", "-c", code).splitlines()[-1])


def test_a_destroyed_instance_is_restored_from_its_backup(
    instance: Instance, tmp_path: Path
) -> None:
    before = take(instance, "fill", "measure")
    folder = tmp_path / "backup"
    assert "database and 3 files" in instance.manage("backup", str(folder))
    saved = [path.relative_to(folder).parts for path in folder.rglob("*") if path.is_file()]
    assert not {"snapshots", "adaptations"} & {parts[1] for parts in saved if len(parts) > 1}
    assert {oct(path.stat().st_mode & 0o077) for path in folder.rglob("*")} == {"0o0"}

    take(instance, "destroy")
    if "DATABASE_URL" not in instance.environment:
        shutil.rmtree(tmp_path / "var" / "files")
    assert "3 files are restored" in instance.manage("restore", str(folder))

    after = take(instance, "measure")
    lasting = {
        k: v
        for k, v in before["files"].items()
        if k.split("/")[0] in {"checkpoints", "incoming", "learners"}
    }
    assert len(lasting) == 3 and after["files"] == lasting
    # Only an unfinished job has changed: its snapshots are gone, and so is the key to them.
    changed = {name for name, rows in after["rows"].items() if rows != before["rows"][name]}
    assert changed == {"jobs.Job"}
    assert after["rows"]["jobs.Job"][0] == before["rows"]["jobs.Job"][0] == 2
