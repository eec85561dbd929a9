"""A whole instance, web and workers and clock, as a person or an operator would start it."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psutil
import requests

from tests.tools import free_port

ROOT = Path(__file__).resolve().parents[2]
DEMO_POOL = ROOT / "marketplace" / "demo" / "pool"
STATIC = Path(tempfile.mkdtemp(prefix="freehold-static-"))
"""The pages' files, collected by the first instance of this process for all that follow."""
atexit.register(shutil.rmtree, STATIC, ignore_errors=True)


class Instance:
    """Starts `manage.py up` in a folder of its own; talks to it by REST."""

    def __init__(
        self, folder: Path, environment: dict[str, str] | None = None, *, start_s: float = 240
    ) -> None:
        self.folder = folder
        self.start_s = start_s
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("FREEHOLD_")},
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "FREEHOLD_DATA_DIR": str(folder / "var"),
            "FREEHOLD_SITE_URL": self.url,
            "FREEHOLD_STATIC_DIR": str(STATIC),
            "OMP_NUM_THREADS": "1",
            **(environment or {}),
        }
        self.log = (folder / "log.txt").open("ab")
        self.process: subprocess.Popen[bytes] | None = None
        self.session = requests.Session()

    def __enter__(self) -> Self:
        try:
            self.start(self.start_s)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.log.close()

    def start(self, seconds: float = 240) -> None:
        """Return when everything is ready."""
        command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log
        )
        self.wait(lambda: self._ready(), seconds=seconds, what="the instance to be ready")

    def stop(self) -> None:
        """Ctrl-C."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def _ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.tail()
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def tail(self, length: int = 4000) -> str:
        """The end of the log."""
        return (self.folder / "log.txt").read_text(errors="replace")[-length:]

    def manage(self, *arguments: str) -> str:
        """What a management command prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def sign_up(self, username: str) -> None:
        """Make a person, and use their token from now on."""
        code = (
            "from marketplace.accounts.models import User; "
            f"User.objects.create_user({username!r}, password='correct horse battery')"
        )
        self.manage("shell", "--no-imports", "-c", code)
        token = self.manage("token_create", username)
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, expect: int = 200, **arguments: Any) -> Any:
        """One REST call; the answer's JSON."""
        answer = self.session.request(method, f"{self.url}/api/v1/{path}", timeout=120, **arguments)
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text[:1000]}"
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content

    def upload(self, line: dict[str, Any], file: Path) -> str:
        """Upload a model of a pool directory; its id."""
        form = {
            "name": line["file"],
            "architecture": line["architecture"],
            "class_names": json.dumps(line["class_names"]),
            "image_size": line["image_size"],
            "channels": line["channels"],
            "mean": json.dumps(line["mean"]),
            "std": json.dumps(line["std"]),
            "licence": "apache-2.0",
            "consent_recovery": "true",
            "visibility": "private",
        }
        with file.open("rb") as handle:
            row = self.call("POST", "checkpoints/", 201, data=form, files={"file": handle})
        return str(row["id"])

    def upload_demo_models(self, count: int) -> list[str]:
        """Upload some of the demo's models and wait until they are valid."""
        lines = (DEMO_POOL / "manifest.jsonl").read_text().splitlines()[:count]
        ids = [self.upload(row, DEMO_POOL / row["file"]) for row in map(json.loads, lines)]
        for pk in ids:
            row = self.wait(lambda pk=pk: self._validated(pk), seconds=180, what="validation")
            assert row["state"] == "valid", row
        return ids

    def _validated(self, pk: str) -> dict[str, Any] | None:
        row = self.call("GET", f"checkpoints/{pk}/")
        return row if row["state"] in ("valid", "rejected") else None

    def launch(self, checkpoints: list[str], settings: dict[str, Any], seed: int = 1) -> str:
        """A pool of these models and a FREE+ job on it; the job's id."""
        body = {"name": "pool", "checkpoints": checkpoints}
        pool = self.call("POST", "pools/", 201, json=body)
        job = {"pool": pool["id"], "algorithm": "free_plus", "settings": settings, "seed": seed}
        return str(self.call("POST", "jobs/", 201, json=job)["id"])

    def wait_for_job(self, pk: str, states: tuple[str, ...], seconds: float = 120) -> Any:
        """The job's row, once it is in one of the states."""

        def look() -> Any:
            row = self.call("GET", f"jobs/{pk}/")
            assert row["state"] != "failed" or "failed" in states, row
            return row if row["state"] in states else None

        return self.wait(look, seconds=seconds, what=f"job to be {states}")

    def wait(self, look: Any, *, seconds: float, what: str) -> Any:
        """Whatever `look` gives once it is true."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := look():
                return found
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s for {what}\n{self.tail()}")

    def processes(self, words: str) -> list[psutil.Process]:
        """The instance's processes whose command line contains the words."""
        assert self.process is not None
        family = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in family if words in " ".join(process.cmdline())]
