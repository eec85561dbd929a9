"""The confined reader opens what it was given, and nothing else."""

import os
from pathlib import Path

from tests.worker.sandbox.calling import call, offered
from worker.sandbox.client import Sandbox


def test_a_child_reads_and_writes_only_what_it_was_given(sandbox: Sandbox, tmp_path: Path) -> None:
    offered(sandbox, "landlock")
    paths = []
    for name in ("source", "target", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"secret")
        paths.append(str(tmp_path / name / "file"))
    outcome = call(
        sandbox,
        "touch_files",
        paths=[*paths, "/etc/passwd", f"/proc/{os.getpid()}/environ"],
        reads=[tmp_path / "source" / "file"],
        writes=[tmp_path / "target", tmp_path / "not there"],
    )
    assert outcome.answer == {"read": paths[:2], "written": [paths[1]]}
