"""What docs/api.md tells people to type does what it says, against a real server."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from marketplace.accounts.models import User
from marketplace.accounts.services import token_create
from marketplace.checkpoints.models import Checkpoint
from marketplace.uploads.models import Upload

PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"


def commands_below(heading: str) -> str:
    """The first block of shell commands below a heading."""
    section = PAGE.read_text().split(f"\n## {heading}\n")[1]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_several_models_in_one_request(
    transactional_db: None, live_server: LiveServer, tmp_path: Path, sent: list[Any]
) -> None:
    _, token = token_create(user=User.objects.create_user("alice"), name="script")
    for name in ("birds", "beetles", "large"):
        (tmp_path / f"{name}.pt").write_bytes(name.encode() * 1_000)
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands_below("Several models in one request")],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "API": f"{live_server.url}/api/v1",
            "AUTH": f"Authorization: Bearer {token}",
            "no_proxy": "*",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    rows = {row.name: row for row in Checkpoint.objects.all()}
    assert rows.keys() == {"Garden birds", "Beetles", "A large one"}, answer.stdout
    assert rows["Garden birds"].licence == "cc-by-4.0" and rows["Beetles"].consent_recovery
    assert rows["A large one"].file_name == "large.pt" and len(sent) == 3
    assert rows["A large one"].upload_bytes == 5_000
    assert not Upload.objects.filter(held=True).exists()
